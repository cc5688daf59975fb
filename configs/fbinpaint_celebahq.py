# CelebA-HQ at 256x256, 19 classes, 1/8 of the label maps.
_base_ = ['_base_/models/fbinpaint_migan.py', '_base_/protocols/celebahq.py']

num_classes = 19
model = dict(
    data_preprocessor=dict(num_classes=num_classes),
    generator=dict(
        map_side=256,
        segmentor=dict(decode_head=dict(num_classes=num_classes)),
    ),
)
custom_hooks = [*_base_.feedback_hooks, *_base_.custom_hooks]
load_from = _base_.initial_checkpoint
