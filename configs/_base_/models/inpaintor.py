# The feedback-recorrection inpaintor without its segmentor, at full size (256x256).
# A model base puts a segmentor of mmseg into it, see fbinpaint_migan.py. Loss weights: our choice,
# from the consensus of published inpainters.
_base_ = ['../weights.py']

migan = dict(
    type='MIGANEncoderDecoder',
    channels=(64, 128, 256, 512, 512, 512, 512, 512),  # width at each scale, the finest first
    embedding_channels=16,  # of the map that modulates the decoder
    noise_size=512,  # constant maps that the public weights bring, in pixels; 0 without them
    init_cfg=_base_.network_init,
)
inpaintor = dict(
    type='FeedbackRecorrectionInpaintor',
    data_preprocessor=dict(
        type='SemiSupervisedDataPreprocessor',
        num_classes=None,  # label ids are checked against it; set by the top-level config
        min_labeled=1,  # fewest labeled samples of a training batch
        pad_size_divisor=128,  # images of any size are padded to a multiple, results cut back
    ),
    generator=dict(
        type='FeedbackRecorrectionLoop',
        # Round 0; None: the guided network makes it too. Any encoder-decoder of mmagic fits here
        # and below, see configs/mix/.
        initial=None,
        # Rounds 1..R: also reads the image of round 0, and is modulated by the corrected map.
        guided=migan,
        # What the decode head is told about the inpainting; None: one-way guidance.
        feedback=dict(
            type='InpaintingFeedback',
            base_channels=32,
            stride=4,  # resolution at which the image, the hole and the last map are read
        ),
        # Correction of the map by other images; None: the segmentor's map as it is.
        recorrection=dict(
            type='CrossImageRecorrection',
            temperature=0.1,  # of the cosine to class prototypes
        ),
        memory=dict(type='ClassMemory', momentum=0.99),  # one prototype per class
        confidence=dict(type='InpaintingConfidence'),  # expected error of every inpainted pixel
        freeze_initial=False,  # whether a network of round 0 learns no more
        # Longest side, in pixels, of the images that the segmentor reads; larger ones are reduced.
        # None: not; else that of validation.
        map_side=None,
    ),
    # Moving average of the segmentor, which sees intact images; None: without its two losses too.
    teacher=dict(type='MeanTeacher'),
    # Reads composite and hole mask; None: without losses.gan too.
    disc=dict(
        type='MultiLayerDiscriminator',
        in_channels=4,
        max_channels=256,
        fc_in_channels=None,  # a patch discriminator
        num_convs=5,
        norm_cfg=None,
        act_cfg=dict(type='LeakyReLU', negative_slope=0.2),
        out_act_cfg=None,
        with_spectral_norm=True,
    ),
    losses=dict(
        l1_hole=dict(type='L1Loss', loss_weight=6.0),
        l1_valid=dict(type='L1Loss', loss_weight=1.0),
        perceptual=dict(
            type='LPIPSLoss',
            loss_weight=4.0,
            downsample=2,  # factor by which images are reduced first
            weights=_base_.weights_root,  # file or folder with VGG16, or 'download'
        ),
        gan=dict(type='GANLoss', gan_type='hinge', loss_weight=0.05),
        segmentation=dict(type='mmseg.CrossEntropyLoss', avg_non_ignore=True),  # labeled pixels
        consistency=dict(
            type='ConsistencyLoss',  # with the teacher's soft map, on unlabeled images
            loss_weight=1.0,
            hole_weight=3.0,  # pixels in the hole count 1 + this, others 1
        ),
        prototype=dict(type='PrototypeLoss', loss_weight=0.5),
        # Distance of the result to the true image in the teacher's features.
        semantic=dict(type='SemanticFeatureLoss', loss_weight=1.0),
        extra_losses=None,  # a list of further ones, (composite, target, mask), see mix/README.md
    ),
    train_cfg=dict(
        rounds=2,
        # Whether rounds 1..R-1 of a step have no losses and no graph; FeedbackHook then lets each
        # round be the last in turn, and a step costs little more than one round.
        only_last_learns=True,
        label_mixing=True,  # whether the map of the last round is mixed with labels and soft maps
        checkpoint_rounds=False,  # activation checkpointing of rounds: less memory, more time
    ),
    test_cfg=dict(
        rounds=2,  # any number; --cfg-options model.test_cfg.rounds=0 for round 0 alone
        map_temperature=1.0,  # below 1 the map that guides is sharpened
        merge_sigma=4.0,  # pixels; coarser content is averaged with the round before; None: not
    ),
    channels_last=True,  # whether weights and activations are (N, H, W, C) in memory: speed
)

optim_wrapper = dict(
    constructor='MultiOptimWrapperConstructor',
    generator=dict(  # inpainters, segmentor, feedback, recorrection, confidence: one backward pass
        type='OptimWrapper',
        optimizer=dict(type='AdamW', lr=2e-4, betas=(0.9, 0.99), weight_decay=1e-4),
        clip_grad=dict(max_norm=10.0),
    ),
    disc=dict(
        type='OptimWrapper',
        optimizer=dict(type='Adam', lr=1e-4, betas=(0.5, 0.99)),
    ),
)
