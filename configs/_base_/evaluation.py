# Scores of every round on the fixed (image, hole) pairs: PSNR and SSIM of the composite, MAE of the
# composite (whole image and inside the hole), mIoU of the corrected map inside the hole and
# overall. Nothing to download; evaluation_lpips.py adds LPIPS. The validation also counts what the
# recorrection corrects and spoils of the segmentor's map, by class.
val_evaluator = [
    dict(type='PerRound', metric=dict(type='FinitePSNR')),
    dict(type='PerRound', metric=dict(type='SSIM')),
    dict(type='PerRound', metric=dict(type='MAE')),
    dict(type='PerRound', metric=dict(type='HoleMAE')),
    dict(type='HoleIoU'),
]
# The test also reports each range of hole area, with standard deviation and number of images.
area_bins = (0.1, 0.2, 0.3, 0.4, 0.5, 0.6)  # edges, in shares of the image
test_evaluator = [dict(**metric, area_bins=area_bins) for metric in val_evaluator]
val_evaluator = [*val_evaluator, dict(type='CorrectionRate')]
