# Cityscapes: 256x256 crops of 512x256 frames in training, whole 512x256 frames in validation.
_base_ = ['./image_folders.py']

train_pipeline = _base_.train_pipeline
# The frame is resized until it covers image_size of the data set, then cropped at random.
train_pipeline[2].update(crop=True, scale_range=(1.0, 1.0))
train_dataloader = dict(
    dataset=dict(
        type='CityscapesInpaintingDataset',
        data_root=_base_.cityscapes_root,
        data_prefix=dict(img_path='leftImg8bit/train', seg_map_path='gtFine/train'),
        labeled_ratio=1,  # such as '1/8'; the others become unlabelled
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
