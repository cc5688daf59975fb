# Streets, 64x64 crops of 96x72 frames, with the small networks and pixel losses only.
_base_ = [
    '_base_/models/fbinpaint_unet.py',
    '_base_/datasets/camvid.py',
    '_base_/schedules/iterations_2k.py',
    '_base_/evaluation_lpips.py',
    '_base_/default_runtime.py',
]

num_classes = 11
model = dict(
    data_preprocessor=dict(num_classes=num_classes, min_labeled=1),
    generator=dict(segmentor=dict(decode_head=dict(num_classes=num_classes))),
    disc=None,
    losses=dict(perceptual=None, gan=None, semantic=None),
)
train_dataloader = dict(num_workers=1, dataset=dict(image_size=64))
val_dataloader = dict(num_workers=1, dataset=dict(image_size=(72, 96)))
test_dataloader = val_dataloader
# A short run: feedback and teacher in full effect after a tenth of it.
custom_hooks = _base_.custom_hooks
custom_hooks[0].ramp = 200
custom_hooks[1].ramp = 200
val_evaluator, test_evaluator = _base_.val_evaluator, _base_.test_evaluator
val_evaluator[-1].metric.weights = _base_.weights_root  # of LPIPS
test_evaluator[-1].metric.weights = _base_.weights_root
