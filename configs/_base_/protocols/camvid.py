# CamVid, 256x256 crops of 384x288 frames: data, holes, batches, length,
# course of the learning rate, validations and scores, for models of any kind.
_base_ = [
    '../datasets/camvid.py',
    '../schedules/iterations_300k.py',
    '../evaluation_lpips.py',
    '../default_runtime.py',
]
