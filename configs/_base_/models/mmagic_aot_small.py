# AOT-GAN for images of 64x64 and short schedules.
_base_ = ['./mmagic_aot.py']

# VGG16 would be a download, and our small configs do without it too.
model = dict(loss_composed_percep=None, loss_out_percep=False)
# As in iterations_2k.py, five times the learning rates of full training.
optim_wrapper = dict(
    generator=dict(optimizer=dict(lr=5e-4)),
    disc=dict(optimizer=dict(lr=5e-4)),
)
