# All of fbinpaint_demo.py but the model, for models of any kind: data, holes,
# batches, length, course of the learning rate, validations and scores.
_base_ = ['../../fbinpaint_demo.py']

for part in ('model', 'inpaintor', 'segmentor', 'norm_cfg', 'data_preprocessor', 'optim_wrapper'):
    _base_.pop(part)
del part

# Feedback, teacher, class memory and recorrection belong to our model.
custom_hooks = [
    hook
    for hook in _base_.custom_hooks
    if hook.type
    not in ('FeedbackHook', 'MeanTeacherHook', 'ClassMemoryHook', 'CorrectionReportHook')
]
