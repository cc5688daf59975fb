# Small: 2,000 iterations without an adversary, for CPUs.
_base_ = ['./iterations_300k.py']

max_iters = 2000
train_cfg = dict(max_iters=max_iters, val_interval=500)
optim_wrapper = dict(
    _delete_=True,  # also removes disc
    constructor='MultiOptimWrapperConstructor',
    generator=dict(
        type='OptimWrapper',
        optimizer=dict(type='AdamW', lr=1e-3, betas=(0.9, 0.99), weight_decay=1e-4),
        clip_grad=dict(max_norm=10.0),
    ),
)
param_scheduler = [
    dict(type='LinearLR', start_factor=0.01, by_epoch=False, begin=0, end=100),
    dict(type='CosineAnnealingLR', by_epoch=False, begin=100, end=max_iters, eta_min_ratio=0.05),
]
