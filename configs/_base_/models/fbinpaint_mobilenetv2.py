# Small, for CPUs and 64 to 128 px: a MobileNetV2 with ImageNet weights as the segmentor, narrow
# inpainters.
_base_ = ['./inpaintor_small.py', './segmentor_mobilenetv2.py']

model = dict(**_base_.inpaintor)
model['generator'].update(segmentor=_base_.segmentor)
# What the trials of ablations/README.md kept.
model['train_cfg'].update(only_last_learns=True, label_mixing=True)
