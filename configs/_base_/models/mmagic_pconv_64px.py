# Partial convolutions for images of 64x64 and short schedules.
_base_ = ['./mmagic_pconv.py']

# Two layers fewer, so that the innermost features are 2x2 as at 256x256.
model = dict(encdec=dict(encoder=dict(num_layers=5), decoder=dict(num_layers=5)))
# As in iterations_2k.py, five times the learning rate of full training.
optim_wrapper = dict(optimizer=dict(lr=1e-3))
