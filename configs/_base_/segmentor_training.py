# Trains a segmentor of mmseg by itself on labeled images: pipelines, schedule, scores. A config of
# segmentors/ adds data and model. Augmentation and learning rates are our choice.
_base_ = ['./default_runtime.py']

segmentor_load = [
    dict(type='LoadWholeImage', key='gt'),
    dict(type='LoadSemanticMap'),
]
segmentor_flip = [
    dict(type='FlipSample', probability=0.5),  # classes of left and right change places
    dict(type='ToSegmentationKeys'),  # mmseg's transforms from here on
]
segmentor_rotate = dict(type='mmseg.RandomRotate', prob=1.0, degree=11.5)  # corners: unknown
segmentor_recolor = [
    dict(
        type='mmseg.PhotoMetricDistortion',  # milder than its defaults
        brightness_delta=20,
        contrast_range=(0.8, 1.2),
        saturation_range=(0.8, 1.2),
        hue_delta=4,
    ),
    dict(type='mmseg.PackSegInputs'),
]
# Enlarged by a factor of scale_range, then cropped at random to image_size of the data set.
segmentor_crop = dict(type='ResizeSample', crop=True, scale_range=(1.0, 1.1))
segmentor_train_pipeline = [
    *segmentor_load,
    segmentor_crop,
    *segmentor_flip,
    segmentor_rotate,
    *segmentor_recolor,
]
segmentor_val_pipeline = [
    *segmentor_load,
    dict(type='ResizeSample'),
    dict(type='ToSegmentationKeys'),
    dict(type='mmseg.PackSegInputs'),
]
segmentor_data_preprocessor = dict(
    type='SegDataPreProcessor',
    mean=[123.675, 116.28, 103.53],  # of ImageNet, RGB
    std=[58.395, 57.12, 57.375],
    bgr_to_rgb=True,
    size_divisor=1,  # mmseg wants one of size and size_divisor; the images have one size
)

max_iters = 1500
train_cfg = dict(type='IterBasedTrainLoop', max_iters=max_iters, val_interval=300)
val_cfg = dict(type='ValLoop')
test_cfg = dict(type='TestLoop')
val_evaluator = [dict(type='mmseg.IoUMetric', iou_metrics=['mIoU'])]  # in percent, whole images
test_evaluator = val_evaluator

optim_wrapper = dict(
    type='OptimWrapper',
    optimizer=dict(type='AdamW', lr=1e-3, weight_decay=1e-2),
    paramwise_cfg=dict(custom_keys=dict(backbone=dict(lr_mult=0.3))),  # it knows ImageNet already
)
auto_scale_lr = dict(enable=False, base_batch_size=8)
warmup = dict(type='LinearLR', start_factor=0.01, by_epoch=False, begin=0, end=100)
decay = dict(type='PolyLR', power=0.9, by_epoch=False, begin=warmup['end'], end=max_iters)
param_scheduler = [warmup, decay]

custom_hooks = [
    dict(type='DivergenceHook'),
    dict(type='CorruptFileHook'),
]  # without the inpaintor's
default_hooks = dict(
    timer=dict(type='mmengine.IterTimerHook'),  # mmagic's knows MultiValLoop only
    checkpoint=dict(interval=300, max_keep_ckpts=1, save_best='mIoU'),
)
model_wrapper_cfg = dict(type='MMDistributedDataParallel')  # one module, one optimizer
