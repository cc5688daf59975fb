# The embedded data set: small labeled scenes of 10 classes, rendered on the fly from a seed;
# nothing is downloaded. A child config overrides a key where it is used, for example
#   train_dataloader = dict(dataset=dict(image_size=128)); val_dataloader, test_dataloader likewise.
image_size = 64  # side, or (height, width), in pixels

# A child config may put transforms between these and pack.
train_steps = [
    dict(type='LoadProceduralScene'),  # gt and gt_seg, in the image_size of the data set
    dict(type='FlipSample', probability=0.5),
    dict(
        type='RandomChoice',  # a mixture of holes, with probabilities
        transforms=[
            [dict(type='RandomHole', mask_mode='ff', area_range=(0.1, 0.6))],
            [dict(type='RandomHole', mask_mode='bbox', area_range=(0.1, 0.6))],
            [dict(type='RandomHole', mask_mode='irregular', area_range=(0.1, 0.6))],
            # Houses, trees, ...; unlabeled scenes get strokes instead.
            [dict(type='SemanticHole', fallback=dict(type='RandomHole', mask_mode='ff'))],
        ],
        prob=[0.35, 0.25, 0.2, 0.2],
    ),
    dict(type='GetMaskedImage', zero_value=127.5),  # the hole is 0 after normalization
]
val_steps = [
    dict(type='LoadProceduralScene'),
    dict(type='FixedHole', seed=0),  # the same hole for the same scene, on any machine
    dict(type='GetMaskedImage', zero_value=127.5),
]
pack = dict(type='PackSemanticInputs')
train_pipeline = [*train_steps, pack]
val_pipeline = [*val_steps, pack]

train_dataloader = dict(
    batch_size=8,  # per GPU
    num_workers=2,
    persistent_workers=True,  # each worker keeps the scenes that it has rendered
    sampler=dict(type='InfiniteSampler', shuffle=True),
    # labeled : unlabeled in every batch; batch_size must be a multiple of their sum
    batch_sampler=dict(type='LabeledRatioBatchSampler', ratio=(1, 1)),
    dataset=dict(
        type='ProceduralScenesDataset',
        split='train',
        num_scenes=512,
        seed=0,
        image_size=image_size,
        labeled_ratio=1 / 4,  # fraction of the scenes whose label map may be used
        pipeline=train_pipeline,
    ),
)
val_dataloader = dict(
    batch_size=8,
    num_workers=1,
    persistent_workers=True,
    sampler=dict(type='DefaultSampler', shuffle=False),
    dataset=dict(
        type='ProceduralScenesDataset',
        split='val',
        num_scenes=40,  # 8 holes in each of the five area bins
        seed=0,
        image_size=image_size,
        pipeline=val_pipeline,
        test_mode=True,
    ),
)
test_dataloader = dict(
    batch_size=8,
    num_workers=1,
    persistent_workers=True,
    sampler=dict(type='DefaultSampler', shuffle=False),
    dataset=dict(
        type='ProceduralScenesDataset',
        split='test',
        num_scenes=100,  # 20 holes in each of the five area bins
        seed=0,
        image_size=image_size,
        pipeline=val_pipeline,
        test_mode=True,
    ),
)
