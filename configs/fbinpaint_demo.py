# The embedded scenes at 64x64, 10 classes, 1/4 of the label maps: minutes on two CPU cores.
_base_ = ['_base_/models/fbinpaint_unet.py', '_base_/protocols/demo.py']

num_classes = 10
model = dict(
    data_preprocessor=dict(num_classes=num_classes),
    generator=dict(segmentor=dict(decode_head=dict(num_classes=num_classes))),
)
custom_hooks = [*_base_.feedback_hooks, *_base_.custom_hooks]
