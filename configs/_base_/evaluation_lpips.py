# The scores of evaluation.py and LPIPS, whose AlexNet is a download of torchvision.
_base_ = ['./evaluation.py', './weights.py']

lpips = dict(
    type='PerRound',
    metric=dict(
        type='LPIPS',
        backbone='alex',  # vgg is the network of the perceptual loss: not for results
        weights=_base_.weights_root,  # file or folder with AlexNet, or 'download'
    ),
)
area_bins = _base_.area_bins
val_evaluator = [*_base_.val_evaluator, lpips]
test_evaluator = [*_base_.test_evaluator, dict(**lpips, area_bins=area_bins)]
_base_.clear()  # mmengine refuses two bases of a config that both hand on weights.py
