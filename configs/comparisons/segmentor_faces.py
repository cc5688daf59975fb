# Segmentor that all entries of faces.txt start from.
_base_ = ['../segmentors/mobilenetv2_celebahq_64px.py']

train_pipeline = _base_.segmentor_train_pipeline
train_pipeline[2].scale_range = (1.0, 1.03)  # the faces are aligned
train_pipeline[5].degree = 4.0
train_dataloader = dict(dataset=dict(pipeline=train_pipeline))
max_iters = 1000
train_cfg = dict(max_iters=max_iters)
param_scheduler = _base_.param_scheduler
param_scheduler[1].end = max_iters
