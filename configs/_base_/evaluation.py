# Scores of every round on the fixed (image, hole) pairs: PSNR and SSIM of the composite, MAE of the
# composite (whole image and inside the hole), mIoU of the corrected map inside the hole and
# overall.
val_evaluator = [
    dict(type='PerRound', metric=dict(type='FinitePSNR')),
    dict(type='PerRound', metric=dict(type='SSIM')),
    dict(type='PerRound', metric=dict(type='MAE')),
    dict(type='PerRound', metric=dict(type='HoleMAE')),
    dict(type='HoleIoU'),
]
test_evaluator = val_evaluator
