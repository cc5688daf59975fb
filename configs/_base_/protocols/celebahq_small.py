# CelebA-HQ faces at 64x64: data, holes, batches, length,
# course of the learning rate, validations and scores, for models of any kind.
_base_ = [
    '../datasets/celebamask_hq.py',
    '../schedules/iterations_2k.py',
    '../evaluation_lpips.py',
    '../default_runtime.py',
]

image_size = 64
train_dataloader = dict(num_workers=1, dataset=dict(image_size=image_size))
val_dataloader = dict(num_workers=1, dataset=dict(image_size=image_size))
test_dataloader = val_dataloader
