# Faces at 64x64 under the full losses, with a MobileNetV2 segmentor: hours on a CPU.
_base_ = ['_base_/models/fbinpaint_mobilenetv2.py', '_base_/protocols/celebahq_64px.py']

num_classes = 19
model = dict(
    data_preprocessor=dict(num_classes=num_classes),
    generator=dict(segmentor=dict(decode_head=dict(num_classes=num_classes))),
)
custom_hooks = [*_base_.feedback_hooks, *_base_.custom_hooks]
load_from = _base_.initial_checkpoint
