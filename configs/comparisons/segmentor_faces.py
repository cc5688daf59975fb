# Segmentor that all entries of faces.txt start from.
_base_ = ['../segmentors/mobilenetv2_celebahq_64px.py']

train_pipeline = [  # milder: the faces are aligned
    *_base_.segmentor_load,
    dict(type='ResizeSample', crop=True, scale_range=(1.0, 1.03)),
    *_base_.segmentor_flip,
    dict(type='mmseg.RandomRotate', prob=1.0, degree=4.0),
    *_base_.segmentor_recolor,
]
train_dataloader = dict(dataset=dict(pipeline=train_pipeline))
max_iters = 1000
train_cfg = dict(max_iters=max_iters)
decay = dict(_base_.decay, end=max_iters)
param_scheduler = [_base_.warmup, decay]
