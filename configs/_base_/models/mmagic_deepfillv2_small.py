# DeepFill v2 for images of 64x64 and short schedules.
_base_ = ['./mmagic_deepfillv2.py']

model = dict(
    # Reflection by the widest dilation, 16, needs more than 16 pixels at a quarter of the size.
    encdec=dict(
        stage1=dict(dilation_neck=dict(padding_mode='zeros')),
        stage2=dict(dilation_neck=dict(padding_mode='zeros')),
    ),
    # Two convolutions fewer, so that it scores 4x4 patches as at 256x256.
    disc=dict(num_convs=4),
)
# As in iterations_2k.py, five times the learning rates of full training.
optim_wrapper = dict(
    generator=dict(optimizer=dict(lr=5e-4)),
    disc=dict(optimizer=dict(lr=5e-4)),
)
