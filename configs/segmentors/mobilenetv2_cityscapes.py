# MobileNetV2 on 256x256 crops of the street scenes of fbinpaint_cityscapes.py, see segmentor_init
# in _base_/weights.py.
_base_ = [
    '../_base_/models/segmentor_mobilenetv2.py',
    '../_base_/datasets/cityscapes.py',
    '../_base_/segmentor_training.py',
]

num_classes = 19
segmentor = _base_.segmentor
segmentor.decode_head.num_classes = num_classes
model = dict(**segmentor, data_preprocessor=_base_.segmentor_data_preprocessor)

train_pipeline = [
    *_base_.segmentor_load,
    _base_.resize_and_crop,
    *_base_.segmentor_flip,
    _base_.segmentor_rotate,
    *_base_.segmentor_recolor,
]
train_dataloader = dict(
    batch_sampler=None,  # of labeled and unlabeled images
    dataset=dict(labeled_only=True, pipeline=train_pipeline),
)
val_dataloader = dict(dataset=dict(pipeline=_base_.segmentor_val_pipeline))
test_dataloader = val_dataloader
optim_wrapper = dict(optimizer=dict(lr=1e-2))  # few iterations: 1e-3 is far too slow
