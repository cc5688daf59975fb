# Images of a user: data, holes, batches, length, course of the learning rate, validations and
# scores, for models of any kind.
_base_ = [
    '../datasets/own_images.py',
    '../schedules/iterations_300k.py',
    '../evaluation_lpips.py',
    '../default_runtime.py',
]
