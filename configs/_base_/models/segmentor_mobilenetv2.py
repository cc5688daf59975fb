# Light segmentor: MobileNetV2 with ImageNet weights, and a head that reads a feature map of every
# stride from 4 to 32.
_base_ = ['../weights.py']

segmentor = dict(
    _scope_='mmseg',
    type='EncoderDecoder',
    backbone=dict(
        type='mmagic.TorchvisionMobileNetV2',
        out_indices=(3, 6, 13, 17),
        stem_stride=2,  # 1 for small images
        weights=_base_.weights_root,  # file or folder with MobileNetV2, or 'download'
    ),
    decode_head=dict(
        type='mmagic.SummedLateralHead',
        in_channels=[24, 32, 96, 320],
        in_index=[0, 1, 2, 3],
        channels=48,  # of the pixel features
        dropout_ratio=0.0,
        num_classes=None,  # set by the top-level config
        norm_cfg=dict(type='BN', requires_grad=True),
        align_corners=False,
        loss_decode=dict(type='CrossEntropyLoss', avg_non_ignore=True),
    ),
    train_cfg=dict(),
    test_cfg=dict(mode='whole'),
)
_base_.clear()  # mmengine refuses two bases of a config that both hand on weights.py
