# CelebAMask-HQ faces at 256x256, 1/8 of the training set labeled.
_base_ = ['./image_folders.py']

train_dataloader = dict(
    dataset=dict(
        type='CelebAMaskHQInpaintingDataset',
        data_root=_base_.celebamask_hq_root,
        data_prefix=dict(img_path='images/train', seg_map_path='annotations/train'),
        num_classes=19,  # 15 merges left and right, and the lips
    ),
)
val_dataloader = dict(
    dataset=dict(
        type='CelebAMaskHQInpaintingDataset',
        data_root=_base_.celebamask_hq_root,
        data_prefix=dict(img_path='images/val', seg_map_path='annotations/val'),
        num_classes=19,
    ),
)
test_dataloader = val_dataloader
