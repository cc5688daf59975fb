# Segmentor that all entries of streets.txt start from.
_base_ = ['../segmentors/mobilenetv2_camvid_64px.py']

max_iters = 1000
train_cfg = dict(max_iters=max_iters)
decay = dict(_base_.decay, end=max_iters)
param_scheduler = [_base_.warmup, decay]
