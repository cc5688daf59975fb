# Streets, 64x64 crops of 96x72 frames, under the full losses, with a MobileNetV2 segmentor.
_base_ = [
    '_base_/models/fbinpaint_mobilenetv2.py',
    '_base_/datasets/camvid.py',
    '_base_/schedules/iterations_2k_adversarial.py',
    '_base_/evaluation_lpips.py',
    '_base_/default_runtime.py',
]

num_classes = 11
model = dict(
    data_preprocessor=dict(num_classes=num_classes, min_labeled=1),
    generator=dict(
        # Trained by inpaintors/initial_camvid_64px.py.
        initial=dict(init_cfg=_base_.initial_init),
        guided=dict(init_cfg=_base_.initial_init),
        freeze_initial=_base_.initial_init is not None,
        segmentor=dict(
            backbone=dict(weights=_base_.weights_root),
            decode_head=dict(num_classes=num_classes),
            init_cfg=_base_.segmentor_init,  # trained by segmentors/mobilenetv2_camvid_64px.py
        ),
    ),
    losses=dict(perceptual=dict(weights=_base_.weights_root)),
)
# Discriminator and confidence go on where those of the initial network stopped.
load_from = _base_.initial_checkpoint
train_dataloader = dict(
    num_workers=1,
    batch_sampler=dict(ratio=(1, 3)),  # the segmentor may have learned from them already
    dataset=dict(image_size=64),
)
val_dataloader = dict(num_workers=1, dataset=dict(image_size=(72, 96)))
test_dataloader = val_dataloader
# A short run: feedback and teacher in full effect after a tenth of it.
custom_hooks = _base_.custom_hooks
custom_hooks[0].ramp = 200
custom_hooks[1].ramp = 200
val_evaluator, test_evaluator = _base_.val_evaluator, _base_.test_evaluator
val_evaluator[-1].metric.weights = _base_.weights_root  # of LPIPS
test_evaluator[-1].metric.weights = _base_.weights_root
