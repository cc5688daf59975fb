# Cityscapes: 256x256 crops of 512x256 frames in training, whole 512x256 frames in validation.
_base_ = ['./image_folders.py']

# The frame is resized until it covers image_size of the data set, then cropped at random.
resize_and_crop = dict(type='ResizeSample', crop=True, scale_range=(1.0, 1.0))
train_steps = [*_base_.load, resize_and_crop, *_base_.flip_and_mask]
train_pipeline = [*train_steps, _base_.pack]
train_dataloader = dict(
    dataset=dict(
        type='CityscapesInpaintingDataset',
        data_root=_base_.cityscapes_root,
        data_prefix=dict(img_path='leftImg8bit/train', seg_map_path='gtFine/train'),
        labeled_ratio=1,  # such as '1/8'; the others become unlabeled
        unlabeled_prefix=['leftImg8bit/test'],  # their labels were never published
        pipeline=train_pipeline,
    ),
)
val_dataloader = dict(
    dataset=dict(
        type='CityscapesInpaintingDataset',
        data_root=_base_.cityscapes_root,
        data_prefix=dict(img_path='leftImg8bit/val', seg_map_path='gtFine/val'),
        image_size=(256, 512),
    ),
)
test_dataloader = val_dataloader
