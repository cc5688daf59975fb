# DeepFill v1 for images of 64x64 and short schedules.
_base_ = ['./mmagic_deepfillv1.py']

model = dict(
    # Reflection by the widest dilation, 16, needs more than 16 pixels at a quarter of the size.
    encdec=dict(
        stage1=dict(dilation_neck=dict(padding_mode='zeros')),
        stage2=dict(dilation_neck=dict(padding_mode='zeros')),
    ),
    # The fully connected ends fit the image: four convolutions leave 4x4 and 2x2 pixels.
    disc=dict(
        global_disc_cfg=dict(fc_in_channels=256 * 4 * 4),
        local_disc_cfg=dict(fc_in_channels=512 * 2 * 2),
    ),
    train_cfg=dict(local_size=(32, 32)),
)
pack_hole_box = _base_.pack_hole_box
pack_hole_box[0].size = 32
# As in iterations_2k.py, five times the learning rates of full training.
optim_wrapper = dict(
    generator=dict(optimizer=dict(lr=5e-4)),
    disc=dict(optimizer=dict(lr=5e-4)),
)
