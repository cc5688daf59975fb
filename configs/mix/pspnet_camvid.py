# PSPNet with a ResNet-50 as the segmentor.
_base_ = [
    '../_base_/models/inpaintor.py',
    'mmseg::_base_/models/pspnet_r50-d8.py',
    '../_base_/protocols/camvid.py',
]

num_classes = 11
segmentor = _base_.model
segmentor.decode_head.num_classes = num_classes
segmentor.pretrained = _base_.resnet50_weights

model = dict(_delete_=True, **_base_.inpaintor)
model['generator'].update(segmentor=segmentor)
model['data_preprocessor'].update(num_classes=num_classes)
custom_hooks = [*_base_.feedback_hooks, *_base_.custom_hooks]
load_from = _base_.initial_checkpoint
