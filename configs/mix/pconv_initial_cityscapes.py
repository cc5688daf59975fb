# mmagic's partial convolutions paint round 0, ours corrects it.
_base_ = ['../fbinpaint_cityscapes.py', '../_base_/networks/mmagic_pconv.py']

model = dict(generator=dict(initial=dict(_delete_=True, **_base_.network)))
load_from = None  # no round 0 of ours
