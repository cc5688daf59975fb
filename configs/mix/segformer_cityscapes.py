# SegFormer (MiT-B0) as the segmentor: feedback goes to all four feature maps that its head reads.
_base_ = [
    '../_base_/models/inpaintor.py',
    'mmseg::_base_/models/segformer_mit-b0.py',
    '../_base_/datasets/cityscapes.py',
    '../_base_/schedules/iterations_300k.py',
    '../_base_/evaluation.py',
    '../_base_/default_runtime.py',
]

num_classes = 19
segmentor = _base_.model
segmentor.decode_head.num_classes = num_classes
model = dict(_delete_=True, **_base_.inpaintor)
model['generator'].update(segmentor=segmentor)
model['data_preprocessor'].update(num_classes=num_classes, min_labeled=1)
model['losses']['perceptual'].update(weights=_base_.weights_root)
