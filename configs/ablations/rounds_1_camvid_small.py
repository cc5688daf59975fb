# One round of feedback.
_base_ = ['../fbinpaint_camvid_small.py']

model = dict(train_cfg=dict(rounds=1), test_cfg=dict(rounds=1))
