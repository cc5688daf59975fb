# Cityscapes, 256x256 crops of 512x256 frames: data, holes, batches, length,
# course of the learning rate, validations and scores, for models of any kind.
_base_ = [
    '../datasets/cityscapes.py',
    '../schedules/iterations_300k.py',
    '../evaluation_lpips.py',
    '../default_runtime.py',
]
