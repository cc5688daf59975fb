# Segmentor that all entries of streets.txt start from.
_base_ = ['../segmentors/mobilenetv2_camvid_64px.py']

max_iters = 1000
train_cfg = dict(max_iters=max_iters)
param_scheduler = [
    dict(type='LinearLR', start_factor=0.01, by_epoch=False, begin=0, end=100),
    dict(type='PolyLR', power=0.9, by_epoch=False, begin=100, end=max_iters),
]
