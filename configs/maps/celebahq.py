# Faces: what makes maps, before fbinpaint_celebahq.py.
_base_ = ['../fbinpaint_celebahq.py', '../_base_/maps_training.py']

model, optim_wrapper = _base_.maps_model, _base_.maps_optimizers
model.generator.initial = dict(_delete_=True, **_base_.migan)
first, *others = _base_.train_steps
train_dataloader = dict(dataset=dict(pipeline=[first, _base_.recolor, *others, _base_.pack]))
max_iters = 20000
train_cfg = dict(max_iters=max_iters)
decay = dict(_base_.decay, end=max_iters)
param_scheduler = [_base_.warmup, decay]
default_hooks = dict(checkpoint=dict(save_best='aAcc_hole'))  # PSNR stays that of round 0
