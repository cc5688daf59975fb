# Global & Local for images of 64x64 and short schedules.
_base_ = ['./mmagic_gl.py']

local_size = (32, 32)
model = dict(
    # Two convolutions fewer in each, so that they end at 4x4 pixels as at 256x256.
    disc=dict(
        global_disc_cfg=dict(num_convs=4),
        local_disc_cfg=dict(num_convs=3, fc_in_channels=256 * 4 * 4),
    ),
    train_cfg=dict(local_size=local_size),
)
hole_box = dict(size=local_size)
# As in iterations_2k.py, five times the learning rates of full training.
optim_wrapper = dict(
    generator=dict(optimizer=dict(lr=2e-3)),
    disc=dict(optimizer=dict(lr=2e-3)),
)
