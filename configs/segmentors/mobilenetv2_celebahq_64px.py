# MobileNetV2 on the labeled faces of fbinpaint_celebahq_64px.py, 64x64: its segmentor starts from
# the checkpoint, see segmentor_init in _base_/weights.py.
_base_ = [
    '../_base_/models/segmentor_mobilenetv2_small.py',
    '../_base_/datasets/celebamask_hq.py',
    '../_base_/segmentor_training.py',
]

num_classes = 19
segmentor = _base_.segmentor
segmentor.decode_head.num_classes = num_classes
model = dict(**segmentor, data_preprocessor=_base_.segmentor_data_preprocessor)

image_size = 64
train_dataloader = dict(
    num_workers=1,
    batch_sampler=None,  # of labeled and unlabeled images
    dataset=dict(
        image_size=image_size,
        labeled_only=True,
        pipeline=_base_.segmentor_train_pipeline,
    ),
)
val_dataloader = dict(
    num_workers=1,
    dataset=dict(image_size=image_size, pipeline=_base_.segmentor_val_pipeline),
)
test_dataloader = val_dataloader
