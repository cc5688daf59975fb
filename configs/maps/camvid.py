# CamVid: what makes maps, before fbinpaint_camvid.py.
_base_ = ['../_base_/models/maps.py', '../_base_/protocols/camvid.py']

num_classes = 11
model = dict(
    data_preprocessor=dict(num_classes=num_classes),
    generator=dict(segmentor=dict(decode_head=dict(num_classes=num_classes))),
)
# Few labels: colors vary. Nothing else does, since the images must stay what round 0 has learned.
recolor = dict(
    type='ColorJitter',
    keys=['gt'],
    channel_order='bgr',
    brightness=0.2,
    contrast=0.2,
    saturation=0.3,
    hue=0.02,
)
first, *others = _base_.train_steps
train_dataloader = dict(dataset=dict(pipeline=[first, recolor, *others, _base_.pack]))
custom_hooks = [*_base_.feedback_hooks, *_base_.custom_hooks]
load_from = _base_.initial_checkpoint
max_iters = 20000
train_cfg = dict(max_iters=max_iters)
decay = dict(_base_.decay, end=max_iters)
param_scheduler = [_base_.warmup, decay]
