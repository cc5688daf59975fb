# The scores of evaluation.py and LPIPS, whose AlexNet is a download of torchvision.
_base_ = ['./evaluation.py']

lpips = dict(
    type='PerRound',
    metric=dict(
        type='LPIPS',
        backbone='alex',  # vgg is the network of the perceptual loss: not for results
        weights='{{$FBINPAINT_WEIGHTS:download}}',  # file or folder with AlexNet, see weights.py
    ),
)
val_evaluator = [*_base_.val_evaluator, lpips]
test_evaluator = [*_base_.test_evaluator, dict(**lpips, area_bins=_base_.area_bins)]
