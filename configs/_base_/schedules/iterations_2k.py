# Small: 2,000 iterations, for CPUs.
_base_ = ['./iterations_300k.py']

max_iters = 2000
feedback_ramp = 200

train_cfg = dict(max_iters=max_iters, val_interval=500)
warmup = dict(_base_.warmup, end=100)
decay = dict(_base_.decay, begin=100, end=max_iters)
param_scheduler = [warmup, decay]
feedback_hooks = [
    dict(hook, ramp=feedback_ramp) if 'ramp' in hook else hook for hook in _base_.feedback_hooks
]
