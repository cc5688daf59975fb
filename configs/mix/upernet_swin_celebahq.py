# UPerNet with a Swin transformer as the segmentor.
_base_ = [
    '../_base_/models/inpaintor.py',
    'mmseg::_base_/models/upernet_swin.py',
    '../_base_/protocols/celebahq.py',
]

num_classes = 19
segmentor = _base_.model
segmentor.decode_head.num_classes = num_classes

model = dict(_delete_=True, **_base_.inpaintor)
model['generator'].update(segmentor=segmentor)
model['data_preprocessor'].update(num_classes=num_classes)
custom_hooks = [*_base_.feedback_hooks, *_base_.custom_hooks]
load_from = _base_.initial_checkpoint
