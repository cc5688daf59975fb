# Guidance by the true map, everywhere and always: the upper bound of what semantics can give. It
# learns from the images of the training set, all labeled, and from no others.
_base_ = ['./one_way_celebahq.py']

dictate = dict(type='DictateLabelMap')
train_pipeline = [*_base_.train_steps, dictate, _base_.pack]
val_pipeline = [*_base_.val_steps, dictate, _base_.pack]
train_dataloader = dict(
    batch_sampler=dict(ratio=(1, 0)),
    dataset=dict(labeled_ratio=1, pipeline=train_pipeline),
)
val_dataloader = dict(dataset=dict(pipeline=val_pipeline))
test_dataloader = val_dataloader
