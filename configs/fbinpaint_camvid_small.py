# Streets, 64x64 crops of 96x72 frames, with the small networks and pixel losses only.
_base_ = ['_base_/models/fbinpaint_unet.py', '_base_/protocols/camvid_small.py']

num_classes = 11
model = dict(
    data_preprocessor=dict(num_classes=num_classes),
    generator=dict(segmentor=dict(decode_head=dict(num_classes=num_classes))),
)
custom_hooks = [*_base_.feedback_hooks, *_base_.custom_hooks]
