# MobileNetV2 on 64x64 crops of the labeled street scenes of fbinpaint_camvid_64px.py, see
# segmentor_init in _base_/weights.py.
_base_ = [
    '../_base_/models/segmentor_mobilenetv2_small.py',
    '../_base_/datasets/camvid.py',
    '../_base_/segmentor_training.py',
]

num_classes = 11
segmentor = _base_.segmentor
segmentor.decode_head.num_classes = num_classes
model = dict(**segmentor, data_preprocessor=_base_.segmentor_data_preprocessor)

train_pipeline = [
    *_base_.segmentor_load,
    # Validation shows whole 72x96 frames, 1.125 of the size that covers 64x64.
    dict(type='ResizeSample', crop=True, scale_range=(1.0, 1.25)),
    *_base_.segmentor_flip,
    _base_.segmentor_rotate,
    *_base_.segmentor_recolor,
]
train_dataloader = dict(
    num_workers=1,
    batch_sampler=None,  # of labeled and unlabeled images
    dataset=dict(image_size=64, labeled_only=True, pipeline=train_pipeline),
)
val_dataloader = dict(
    num_workers=1,
    dataset=dict(image_size=(72, 96), pipeline=_base_.segmentor_val_pipeline),
)
test_dataloader = val_dataloader
