# mmagic's Global & Local network paints round 0, ours corrects it under the map.
# One that mmagic trained starts it with model.generator.initial.init_cfg =
# dict(type='Pretrained', checkpoint='gl.pth', prefix='generator.').
_base_ = ['../fbinpaint_celebahq.py', '../_base_/networks/mmagic_gl.py']

model = dict(generator=dict(initial=dict(_delete_=True, **_base_.network)))
load_from = None  # no round 0 of ours
