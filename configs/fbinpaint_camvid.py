# CamVid, 256x256 crops, 11 classes, 1/8 of the label maps: streets without a large download.
_base_ = ['_base_/models/fbinpaint_migan.py', '_base_/protocols/camvid.py']

num_classes = 11
model = dict(
    data_preprocessor=dict(num_classes=num_classes),
    generator=dict(
        map_side=384,
        segmentor=dict(decode_head=dict(num_classes=num_classes)),
    ),
)
custom_hooks = [*_base_.feedback_hooks, *_base_.custom_hooks]
load_from = _base_.initial_checkpoint
