# mmagic's partial convolutions paint round 0, ours corrects it.
_base_ = ['../fbinpaint_cityscapes.py', '../_base_/networks/mmagic_pconv.py']

model = dict(
    data_preprocessor=dict(pad_size_divisor=128),  # seven layers, each of which halves the image
    generator=dict(initial=dict(_delete_=True, **_base_.network)),
)
