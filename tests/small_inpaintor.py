# A feedback-recorrection inpaintor small enough for unit tests, as a config; 5 classes.
num_classes = 5
norm_cfg = dict(type='BN', requires_grad=True)
segmentor = dict(
    _scope_='mmseg',
    type='EncoderDecoder',
    backbone=dict(
        type='UNet',
        base_channels=4,
        num_stages=2,
        strides=(1, 1),
        enc_num_convs=(1, 1),
        dec_num_convs=(1,),
        downsamples=(True,),
        enc_dilations=(1, 1),
        dec_dilations=(1,),
        norm_cfg=norm_cfg,
    ),
    decode_head=dict(
        type='FCNHead',
        in_channels=4,
        in_index=1,
        channels=8,
        num_convs=1,
        concat_input=False,
        dropout_ratio=0.0,
        num_classes=num_classes,
        norm_cfg=norm_cfg,
        align_corners=False,
        loss_decode=dict(type='CrossEntropyLoss'),
    ),
    train_cfg=dict(),
    test_cfg=dict(mode='whole'),
)
generator = dict(
    type='FeedbackRecorrectionLoop',
    initial=dict(type='SemanticGuidedEncoderDecoder', base_channels=4, dilations=(1,)),
    guided=dict(type='SemanticGuidedEncoderDecoder', base_channels=4, dilations=(1,)),
    segmentor=segmentor,
    feedback=dict(type='InpaintingFeedback', base_channels=4),
    recorrection=dict(type='CrossImageRecorrection', base_channels=4),
    memory=dict(type='ClassMemory', momentum=0.9),
    confidence=dict(type='InpaintingConfidence', base_channels=4),
)
model = dict(
    type='FeedbackRecorrectionInpaintor',
    data_preprocessor=dict(type='SemiSupervisedDataPreprocessor', num_classes=num_classes),
    generator=generator,
    teacher=dict(type='MeanTeacher'),
    losses=dict(
        l1_hole=dict(type='L1Loss', loss_weight=6.0),
        l1_valid=dict(type='L1Loss'),
        segmentation=dict(type='mmseg.CrossEntropyLoss', avg_non_ignore=True),
        consistency=dict(type='ConsistencyLoss'),
        prototype=dict(type='PrototypeLoss'),
    ),
)
disc = dict(
    type='MultiLayerDiscriminator',
    in_channels=4,
    max_channels=8,
    fc_in_channels=None,
    num_convs=2,
    norm_cfg=None,
    act_cfg=dict(type='LeakyReLU', negative_slope=0.2),
    out_act_cfg=None,
    with_spectral_norm=True,
)
gan = dict(type='GANLoss', gan_type='hinge', loss_weight=0.05)
perceptual = dict(type='VGGPerceptualLoss', weights='none', perceptual_weight=0.1, style_weight=1.0)
