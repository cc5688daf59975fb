# No round: the initial inpainter alone.
_base_ = ['../fbinpaint_camvid_small.py']

model = dict(train_cfg=dict(rounds=0), test_cfg=dict(rounds=0))
