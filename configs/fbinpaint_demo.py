# The embedded scenes at 64x64, 10 classes, 1/4 of the label maps: minutes on two CPU cores.
_base_ = ['_base_/models/fbinpaint_unet.py', '_base_/protocols/demo.py']

num_classes = 10
model = dict(
    data_preprocessor=dict(num_classes=num_classes),
    generator=dict(
        guided=dict(base_channels=8, dilations=(4, 8)),
        segmentor=dict(
            backbone=dict(  # without the full-size stage, which costs most
                base_channels=32,
                num_stages=3,
                strides=(2, 1, 1),
                enc_num_convs=(2, 2, 2),
                dec_num_convs=(2, 2),
                downsamples=(True, True),
                enc_dilations=(1, 1, 1),
                dec_dilations=(1, 1),
            ),
            decode_head=dict(num_classes=num_classes, in_channels=32, in_index=2),
        ),
    ),
    train_cfg=dict(only_last_learns=True),
    channels_last=True,
)
# Three times that of the other small configs, for 400 iterations.
optim_wrapper = dict(generator=dict(optimizer=dict(lr=3e-3)))
custom_hooks = [*_base_.feedback_hooks, *_base_.custom_hooks]
