# Round 0 that all entries of streets.txt start from.
_base_ = ['../inpaintors/initial_camvid_64px.py']

train_dataloader = dict(
    batch_size=4,
)
max_iters = 1400
train_cfg = dict(max_iters=max_iters)
param_scheduler = [
    dict(type='LinearLR', start_factor=0.01, by_epoch=False, begin=0, end=50),
    dict(type='CosineAnnealingLR', by_epoch=False, begin=50, end=max_iters, eta_min_ratio=0.05),
]
