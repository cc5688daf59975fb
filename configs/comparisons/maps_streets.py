# What makes the maps of streets at 256 px, from round 0 of migan_streets.py: within an hour.
_base_ = ['../maps/camvid.py']

train_dataloader = dict(
    batch_size=8,
    num_workers=1,
)
max_iters = 1000
feedback_ramp = 300
train_cfg = dict(max_iters=max_iters, val_interval=max_iters)
warmup = dict(_base_.warmup, end=20)
decay = dict(_base_.decay, begin=20, end=max_iters, eta_min_ratio=0.01)
param_scheduler = [warmup, decay]
custom_hooks = [
    dict(hook, ramp=feedback_ramp) if 'ramp' in hook else hook for hook in _base_.custom_hooks
]
