# CamVid, 64x64 crops of 96x72 frames: data, holes, batches, length,
# course of the learning rate, validations and scores, for models of any kind.
_base_ = [
    '../datasets/camvid.py',
    '../schedules/iterations_2k.py',
    '../evaluation_lpips.py',
    '../default_runtime.py',
]

train_dataloader = dict(num_workers=1, dataset=dict(image_size=64))
val_dataloader = dict(num_workers=1, dataset=dict(image_size=(72, 96)))
test_dataloader = val_dataloader
