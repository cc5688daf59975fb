# PSPNet with a ResNet-50 as the segmentor.
_base_ = [
    '../_base_/models/inpaintor.py',
    'mmseg::_base_/models/pspnet_r50-d8.py',
    '../_base_/datasets/camvid.py',
    '../_base_/schedules/iterations_300k.py',
    '../_base_/evaluation.py',
    '../_base_/default_runtime.py',
]

num_classes = 11
segmentor = _base_.model
segmentor.decode_head.num_classes = num_classes
segmentor.pretrained = _base_.resnet50_weights
model = dict(_delete_=True, **_base_.inpaintor)
model['generator'].update(segmentor=segmentor)
model['data_preprocessor'].update(num_classes=num_classes, min_labeled=1)
model['losses']['perceptual'].update(weights=_base_.weights_root)
