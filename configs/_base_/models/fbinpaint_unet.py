# Small, for CPUs and 64 to 128 px: a narrow U-Net as the segmentor, narrow inpainters, pixel losses
# only. Nothing to download.
_base_ = ['./inpaintor_small.py', 'mmseg::_base_/models/fcn_unet_s5-d16.py']

segmentor = _base_.model
segmentor.backbone.update(
    base_channels=16,
    num_stages=4,
    strides=(1, 1, 1, 1),
    enc_num_convs=(2, 2, 2, 2),
    dec_num_convs=(2, 2, 2),
    downsamples=(True, True, True),
    enc_dilations=(1, 1, 1, 1),
    dec_dilations=(1, 1, 1),
    norm_cfg=dict(type='BN', requires_grad=True),
)
segmentor.decode_head.update(
    in_channels=16,
    in_index=3,
    channels=32,
    norm_cfg=dict(type='BN', requires_grad=True),
)
segmentor.test_cfg = dict(mode='whole')

model = dict(_delete_=True, **_base_.inpaintor)
model['generator'].update(segmentor=segmentor)
model['disc'] = None
model['losses'].update(perceptual=None, gan=None, semantic=None)
model['train_cfg'].update(only_last_learns=False, label_mixing=False)
optim_wrapper = dict(
    _delete_=True,  # also removes disc
    constructor='MultiOptimWrapperConstructor',
    generator=_base_.optim_wrapper.generator,
)
