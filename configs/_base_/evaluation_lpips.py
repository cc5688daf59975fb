# The scores of evaluation.py and LPIPS, whose AlexNet is a download of torchvision. The top-level
# config hands over weights_root of paths.py.
_base_ = ['./evaluation.py']

lpips = dict(
    type='PerRound',
    metric=dict(
        type='LPIPS',
        backbone='alex',  # vgg is the network of the perceptual loss: not for results
        weights=None,  # file or folder with AlexNet; None: torchvision downloads it
    ),
)
val_evaluator = [*_base_.val_evaluator, lpips]
test_evaluator = [*_base_.test_evaluator, dict(**lpips, area_bins=_base_.area_bins)]
