# The demo: 400 iterations, with the feedback in full effect after a quarter of them.
_base_ = ['./iterations_300k.py']

max_iters = 400
feedback_ramp = 100

train_cfg = dict(max_iters=max_iters, val_interval=200)
warmup = dict(_base_.warmup, end=100)
decay = dict(_base_.decay, begin=100, end=max_iters)
param_scheduler = [warmup, decay]
feedback_hooks = [
    dict(hook, ramp=feedback_ramp) if 'ramp' in hook else hook for hook in _base_.feedback_hooks
]
