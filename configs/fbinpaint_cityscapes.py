# Cityscapes, 256x256 crops of 512x256 frames, 19 classes: 2,975 labelled and 1,525 unlabelled
# images.
_base_ = [
    '_base_/models/fbinpaint_deeplabv3plus.py',
    '_base_/datasets/cityscapes.py',
    '_base_/schedules/iterations_300k.py',
    '_base_/evaluation_lpips.py',
    '_base_/default_runtime.py',
]

num_classes = 19
model = dict(
    data_preprocessor=dict(num_classes=num_classes, min_labeled=1),
    generator=dict(
        segmentor=dict(
            pretrained=_base_.resnet50_weights, decode_head=dict(num_classes=num_classes)
        ),
    ),
    losses=dict(perceptual=dict(weights=_base_.weights_root)),
)
val_evaluator, test_evaluator = _base_.val_evaluator, _base_.test_evaluator
val_evaluator[-1].metric.weights = _base_.weights_root  # of LPIPS
test_evaluator[-1].metric.weights = _base_.weights_root
