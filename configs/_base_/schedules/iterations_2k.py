# Small: 2,000 iterations, for CPUs.
_base_ = ['./iterations_300k.py']

max_iters = 2000
feedback_ramp = 200

train_cfg = dict(max_iters=max_iters, val_interval=500)
param_scheduler = [
    dict(type='LinearLR', start_factor=0.01, by_epoch=False, begin=0, end=100),
    dict(type='CosineAnnealingLR', by_epoch=False, begin=100, end=max_iters, eta_min_ratio=0.05),
]
feedback_hooks = [
    dict(type='FeedbackHook', ramp=feedback_ramp),
    dict(type='MeanTeacherHook', momentum=0.99, ramp=feedback_ramp),
    dict(type='ClassMemoryHook'),
    dict(type='CorrectionReportHook'),
]
