# Images of a user: what the templates fbinpaint_custom*.py need not say.
_base_ = ['./image_folders.py']

train_dataloader = dict(
    dataset=dict(
        type='SemanticInpaintingDataset',
        data_prefix=dict(img_path='images/train', seg_map_path='annotations/train'),
        labeled_ratio=1,
    ),
)
val_dataloader = dict(
    dataset=dict(
        type='SemanticInpaintingDataset',
        data_prefix=dict(img_path='images/val', seg_map_path='annotations/val'),
    ),
)
test_dataloader = val_dataloader
