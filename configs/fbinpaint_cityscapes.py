# Cityscapes, 256x256 crops of 512x256 frames, 19 classes: 2,975 labeled and 1,525 unlabeled
# images.
_base_ = ['_base_/models/fbinpaint_migan.py', '_base_/protocols/cityscapes.py']

num_classes = 19
model = dict(
    data_preprocessor=dict(num_classes=num_classes),
    generator=dict(
        map_side=512,
        segmentor=dict(decode_head=dict(num_classes=num_classes)),
    ),
)
custom_hooks = [*_base_.feedback_hooks, *_base_.custom_hooks]
load_from = _base_.initial_checkpoint
