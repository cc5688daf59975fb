# Faces at 64x64 under the full losses, with a MobileNetV2 segmentor: hours on a CPU.
_base_ = [
    '_base_/models/fbinpaint_mobilenetv2.py',
    '_base_/datasets/celebamask_hq.py',
    '_base_/schedules/iterations_2k_adversarial.py',
    '_base_/evaluation_lpips.py',
    '_base_/default_runtime.py',
]

num_classes = 19
model = dict(
    data_preprocessor=dict(num_classes=num_classes, min_labeled=1),
    generator=dict(
        # Trained by inpaintors/initial_celebahq_64px.py.
        initial=dict(init_cfg=_base_.initial_init),
        guided=dict(init_cfg=_base_.initial_init),
        freeze_initial=_base_.initial_init is not None,
        segmentor=dict(
            backbone=dict(weights=_base_.weights_root),
            decode_head=dict(num_classes=num_classes),
            init_cfg=_base_.segmentor_init,  # trained by segmentors/mobilenetv2_celebahq_64px.py
        ),
        # Faces are aligned: similar ones tell where brows and eyes are that a hole hides.
        recorrection=dict(layout=dict(type='LayoutMemory', capacity=128)),
    ),
    losses=dict(perceptual=dict(weights=_base_.weights_root)),
)
# Discriminator and confidence go on where those of the initial network stopped.
load_from = _base_.initial_checkpoint
image_size = 64
train_dataloader = dict(
    num_workers=1,
    batch_sampler=dict(ratio=(1, 3)),  # the segmentor may have learned from them already
    dataset=dict(image_size=image_size),
)
val_dataloader = dict(num_workers=1, dataset=dict(image_size=image_size))
test_dataloader = val_dataloader
# A short run: feedback and teacher in full effect after a tenth of it.
custom_hooks = _base_.custom_hooks
custom_hooks[0].ramp = 200
custom_hooks[1].ramp = 200
val_evaluator, test_evaluator = _base_.val_evaluator, _base_.test_evaluator
val_evaluator[-1].metric.weights = _base_.weights_root  # of LPIPS
test_evaluator[-1].metric.weights = _base_.weights_root
