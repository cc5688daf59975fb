# Faces at 64x64 with the small networks and pixel losses only: an hour on a CPU, minutes on a GPU.
_base_ = ['_base_/models/fbinpaint_unet.py', '_base_/protocols/celebahq_small.py']

num_classes = 19
model = dict(
    data_preprocessor=dict(num_classes=num_classes),
    generator=dict(segmentor=dict(decode_head=dict(num_classes=num_classes))),
)
custom_hooks = [*_base_.feedback_hooks, *_base_.custom_hooks]
