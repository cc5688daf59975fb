# The small inpaintor on four scenes of 32x32, with a training of 20 iterations: seconds.
_base_ = ['../small_inpaintor.py']

custom_imports = dict(imports=['fbinpaint_mm'], allow_failed_imports=False)
default_scope = 'mmagic'
num_classes = 10
model = dict(
    data_preprocessor=dict(num_classes=num_classes),
    generator=dict(segmentor=dict(decode_head=dict(num_classes=num_classes))),
    test_cfg=dict(rounds=1),
)
train_dataloader = dict(
    batch_size=2,
    num_workers=0,
    sampler=dict(type='InfiniteSampler', shuffle=True),
    dataset=dict(
        type='ProceduralScenesDataset',
        num_scenes=4,
        serialize_data=False,  # mmengine collects garbage when it serializes, which takes a while
        image_size=32,
        pipeline=[
            dict(type='LoadProceduralScene'),
            dict(type='RandomHole', mask_mode='ff', area_range=(0.1, 0.6)),
            dict(type='GetMaskedImage', zero_value=127.5),
            dict(type='PackSemanticInputs'),
        ],
    ),
)
test_dataloader = dict(
    batch_size=3,
    num_workers=0,
    sampler=dict(type='DefaultSampler', shuffle=False),
    dataset=dict(
        type='ProceduralScenesDataset',
        split='test',
        num_scenes=4,
        serialize_data=False,
        image_size=32,
        pipeline=[
            dict(type='LoadProceduralScene'),
            dict(type='FixedHole', seed=0),
            dict(type='GetMaskedImage', zero_value=127.5),
            dict(type='PackSemanticInputs'),
        ],
        test_mode=True,
    ),
)
val_dataloader = test_dataloader
test_evaluator = [
    dict(type='PerRound', metric=dict(type='FinitePSNR')),
    dict(type='MAE'),
    dict(type='HoleIoU'),
]
val_evaluator = test_evaluator
train_cfg = dict(type='IterBasedTrainLoop', max_iters=20, val_interval=10)
val_cfg = dict(type='MultiValLoop')
test_cfg = dict(type='MultiTestLoop')
optim_wrapper = dict(
    constructor='MultiOptimWrapperConstructor',
    generator=dict(type='OptimWrapper', optimizer=dict(type='AdamW', lr=1e-3)),
)
param_scheduler = [
    dict(type='LinearLR', start_factor=0.01, by_epoch=False, begin=0, end=5),
    dict(type='CosineAnnealingLR', by_epoch=False, begin=5, end=20, eta_min_ratio=0.05),
]
custom_hooks = [
    dict(type='FeedbackHook', start=2, ramp=10),
    dict(type='MeanTeacherHook', momentum=0.9, ramp=10),
]
default_hooks = dict(
    logger=dict(type='LoggerHook', interval=1),
    checkpoint=dict(type='CheckpointHook', interval=10, by_epoch=False, save_best='PSNR'),
)
log_processor = dict(type='LogProcessor', by_epoch=False)
randomness = dict(seed=5)
