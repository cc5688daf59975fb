# CamVid, 11 classes, 1/8 labelled: 256x256 crops in training, whole 384x288 frames in validation.
# A child config overrides a key where it is used, for example
#   train_dataloader = dict(dataset=dict(image_size=128)),
#   val_dataloader = dict(dataset=dict(image_size=(144, 192))), test_dataloader likewise.
_base_ = ['../paths.py']

train_pipeline = [
    dict(type='LoadImageFromFile', key='gt'),
    dict(type='LoadSemanticMap'),
    # The frame is resized until it covers image_size of the data set, enlarged by a factor of
    # scale_range (its middle is the scale of validation), then cropped at random.
    dict(type='ResizeSample', crop=True, scale_range=(1.0, 1.25)),
    dict(type='FlipSample', probability=0.5),
    dict(
        type='RandomChoice',  # a mixture of holes, with probabilities
        transforms=[
            [dict(type='RandomHole', mask_mode='ff', area_range=(0.1, 0.6))],
            [dict(type='RandomHole', mask_mode='bbox', area_range=(0.1, 0.6))],
            [dict(type='RandomHole', mask_mode='irregular', area_range=(0.1, 0.6))],
            # Cars, trees, ...; unlabelled images get strokes instead.
            [dict(type='SemanticHole', fallback=dict(type='RandomHole', mask_mode='ff'))],
        ],
        prob=[0.4, 0.2, 0.2, 0.2],
    ),
    dict(type='GetMaskedImage', zero_value=127.5),  # the hole is 0 after normalisation
    dict(type='PackSemanticInputs'),
]
val_pipeline = [
    dict(type='LoadImageFromFile', key='gt'),
    dict(type='LoadSemanticMap'),
    dict(type='ResizeSample'),
    dict(type='FixedHole', seed=0),  # the same hole for the same image, on any machine
    dict(type='GetMaskedImage', zero_value=127.5),
    dict(type='PackSemanticInputs'),
]

train_dataloader = dict(
    batch_size=8,  # per GPU
    num_workers=4,
    sampler=dict(type='InfiniteSampler'),
    # labelled : unlabelled in every batch; batch_size must be a multiple of their sum
    batch_sampler=dict(type='LabeledRatioBatchSampler', ratio=(1, 1)),
    dataset=dict(
        type='CamVidInpaintingDataset',
        data_root=_base_.camvid_root,
        data_prefix=dict(img_path='images/train', seg_map_path='annotations/train'),
        labeled_ratio='1/8',  # or labeled_list='labelled.txt', one stem per line
        labeled_seed=0,
        unlabeled_prefix=[],  # further folders of unlabelled images
        image_size=256,  # side, or (height, width)
        check='auto',  # 'full', 'headers' or 'off': how thoroughly files are read before training
        pipeline=train_pipeline,
    ),
)
val_dataloader = dict(
    batch_size=4,
    num_workers=4,
    sampler=dict(type='DefaultSampler', shuffle=False),
    dataset=dict(
        type='CamVidInpaintingDataset',
        data_root=_base_.camvid_root,
        data_prefix=dict(img_path='images/val', seg_map_path='annotations/val'),
        image_size=(288, 384),
        pipeline=val_pipeline,
        test_mode=True,
    ),
)
test_dataloader = val_dataloader
