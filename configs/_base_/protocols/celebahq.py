# CelebA-HQ faces at 256x256: data, holes, batches, length,
# course of the learning rate, validations and scores, for models of any kind.
_base_ = [
    '../datasets/celebamask_hq.py',
    '../schedules/iterations_300k.py',
    '../evaluation_lpips.py',
    '../default_runtime.py',
]
