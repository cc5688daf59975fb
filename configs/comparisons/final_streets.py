# The trained model `streets`, from maps_streets.py: two hours of one CPU core.
_base_ = ['../fbinpaint_camvid.py']

# The adversary takes longer than this training to be of use.
model = dict(disc=None, losses=dict(gan=None))
train_dataloader = dict(
    batch_size=4,
    num_workers=1,
    batch_sampler=dict(ratio=(1, 3)),
)
max_iters = 1500
feedback_ramp = 1  # the stage before had it in full effect
train_cfg = dict(max_iters=max_iters, val_interval=max_iters)
warmup = dict(_base_.warmup, end=20)
decay = dict(_base_.decay, begin=20, end=max_iters, eta_min_ratio=0.01)
param_scheduler = [warmup, decay]
custom_hooks = [
    dict(hook, ramp=feedback_ramp) if 'ramp' in hook else hook for hook in _base_.custom_hooks
]
