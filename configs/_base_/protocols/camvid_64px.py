# All of fbinpaint_camvid_64px.py but the model, for models of any kind: data, holes, batches,
# length, course of the learning rate, validations and scores.
_base_ = ['../../fbinpaint_camvid_64px.py', '../our_model.py']

custom_hooks = [hook for hook in _base_.custom_hooks if hook.type not in _base_.hooks_of_our_model]

for part in _base_.parts_of_our_model:
    _base_.pop(part)
del part
