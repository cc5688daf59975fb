# AOT-GAN for images of 64x64 and short schedules.
_base_ = ['./mmagic_aot.py']

# As in iterations_2k.py, five times the learning rates of full training.
optim_wrapper = dict(
    generator=dict(optimizer=dict(lr=5e-4)),
    disc=dict(optimizer=dict(lr=5e-4)),
)
