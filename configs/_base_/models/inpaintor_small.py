# Narrow inpainters and discriminator, for CPUs and 64 to 128 px.
_base_ = ['./inpaintor.py']

narrow = dict(
    type='SemanticGuidedEncoderDecoder',
    base_channels=16,  # width at full resolution
    dilations=(1, 2, 4, 8),  # one residual block for each, at a quarter of the resolution
)
inpaintor = dict(
    data_preprocessor=dict(pad_size_divisor=8),
    generator=dict(
        initial=dict(_delete_=True, **narrow),
        guided=dict(_delete_=True, **narrow),
    ),
    channels_last=False,
    disc=dict(max_channels=64, num_convs=4),
    losses=dict(
        perceptual=dict(
            _delete_=True,
            type='VGGPerceptualLoss',
            weights=_base_.weights_root,
            perceptual_weight=0.1,
            style_weight=120.0,
        ),
    ),
)

# Five times the learning rates of full size, for short schedules.
optim_wrapper = dict(
    generator=dict(optimizer=dict(lr=1e-3)),
    disc=dict(optimizer=dict(lr=5e-4)),
)
