# LRASPP with a MobileNetV3 as the segmentor. Its head averages over 49x49 pixels at an eighth of
# the image, so that sides must be 392 or more.
_base_ = [
    '../_base_/models/inpaintor.py',
    'mmseg::_base_/models/lraspp_m-v3-d8.py',
    '../_base_/protocols/cityscapes.py',
]

num_classes = 19
segmentor = _base_.model
segmentor.decode_head.num_classes = num_classes

model = dict(_delete_=True, **_base_.inpaintor)
model['generator'].update(segmentor=segmentor)
model['data_preprocessor'].update(num_classes=num_classes)
custom_hooks = [*_base_.feedback_hooks, *_base_.custom_hooks]
load_from = _base_.initial_checkpoint
train_dataloader = dict(dataset=dict(image_size=392))
val_dataloader = dict(dataset=dict(image_size=(392, 784)))
test_dataloader = val_dataloader
