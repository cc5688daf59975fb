# The embedded scenes at 64x64, 10 classes, 1/4 of the label maps: minutes on two CPU cores.
_base_ = [
    '_base_/models/fbinpaint_unet.py',
    '_base_/datasets/procedural_scenes.py',
    '_base_/schedules/iterations_2k.py',
    '_base_/evaluation.py',
    '_base_/default_runtime.py',
]

num_classes = 10
model = dict(
    data_preprocessor=dict(num_classes=num_classes, min_labeled=1),
    generator=dict(segmentor=dict(decode_head=dict(num_classes=num_classes))),
    disc=None,
    losses=dict(perceptual=None, gan=None, semantic=None),  # VGG16 would be a download
)
# A short run, with the feedback and the teacher in full effect after a quarter of it.
max_iters = 400
train_cfg = dict(max_iters=max_iters, val_interval=100)
param_scheduler = _base_.param_scheduler
param_scheduler[1].end = max_iters
custom_hooks = _base_.custom_hooks
custom_hooks[0].ramp = 100
custom_hooks[1].ramp = 100
default_hooks = dict(checkpoint=dict(interval=100))
