# Dense networks: DeepLabV3+ with a ResNet-50, ImageNet-initialized, as the segmentor, and
# inpainters with residual blocks. A GPU's work, see configs/mix/.
_base_ = ['./inpaintor.py', 'mmseg::_base_/models/deeplabv3plus_r50-d8.py']

segmentor = _base_.model
# Plain BN so that it runs everywhere; sync_bn='torch' in a config converts it on several GPUs.
segmentor.backbone.norm_cfg = dict(type='BN', requires_grad=True)
segmentor.decode_head.norm_cfg = dict(type='BN', requires_grad=True)
segmentor.pretrained = _base_.resnet50_weights

dense = dict(
    type='SemanticGuidedEncoderDecoder',
    base_channels=48,  # width at full resolution
    # one residual block for each, at a quarter of the resolution
    dilations=(1, 2, 4, 8, 1, 2, 4, 8),
)
model = dict(_delete_=True, **_base_.inpaintor)
model['data_preprocessor'].update(pad_size_divisor=8)
model['generator'].update(segmentor=segmentor)
model['generator']['initial'] = dense
model['generator']['guided'] = dense
