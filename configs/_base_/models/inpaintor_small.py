# Narrow inpainters and discriminator, for CPUs and 64 to 128 px.
_base_ = ['./inpaintor.py']

inpaintor = dict(
    generator=dict(
        initial=dict(base_channels=16, dilations=(1, 2, 4, 8)),
        guided=dict(base_channels=16, dilations=(1, 2, 4, 8)),
        feedback=dict(base_channels=32),
    ),
    disc=dict(max_channels=64, num_convs=4),
)

# Five times the learning rates of full size, for short schedules.
optim_wrapper = dict(
    generator=dict(optimizer=dict(lr=1e-3)),
    disc=dict(optimizer=dict(lr=5e-4)),
)
