# CamVid, 11 classes, 1/8 labeled: 256x256 crops in training, whole 384x288 frames in validation.
_base_ = ['./image_folders.py']

# The frame is resized until it covers image_size of the data set, enlarged by a factor of
# scale_range (its middle is the scale of validation), then cropped at random.
resize_and_crop = dict(type='ResizeSample', crop=True, scale_range=(1.0, 1.25))
train_steps = [*_base_.load, resize_and_crop, *_base_.flip_and_mask]
train_pipeline = [*train_steps, _base_.pack]
train_dataloader = dict(
    dataset=dict(
        type='CamVidInpaintingDataset',
        data_root=_base_.camvid_root,
        data_prefix=dict(img_path='images/train', seg_map_path='annotations/train'),
        pipeline=train_pipeline,
    ),
)
val_dataloader = dict(
    dataset=dict(
        type='CamVidInpaintingDataset',
        data_root=_base_.camvid_root,
        data_prefix=dict(img_path='images/val', seg_map_path='annotations/val'),
        image_size=(288, 384),
    ),
)
test_dataloader = val_dataloader
