# The demo: 400 iterations, with the feedback in full effect after a quarter of them.
_base_ = ['./iterations_300k.py']

max_iters = 400
feedback_ramp = 100

train_cfg = dict(max_iters=max_iters, val_interval=100)
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
