# Full size: DeepLabV3+ with a ResNet-50, ImageNet-initialized, as the segmentor.
_base_ = ['./inpaintor.py', 'mmseg::_base_/models/deeplabv3plus_r50-d8.py']

segmentor = _base_.model
# Plain BN so that it runs everywhere; sync_bn='torch' in a config converts it on several GPUs.
segmentor.backbone.norm_cfg = dict(type='BN', requires_grad=True)
segmentor.decode_head.norm_cfg = dict(type='BN', requires_grad=True)
segmentor.pretrained = _base_.resnet50_weights

model = dict(_delete_=True, **_base_.inpaintor)
model['generator'].update(segmentor=segmentor)
