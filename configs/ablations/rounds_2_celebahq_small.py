# Two rounds of feedback.
_base_ = ['../fbinpaint_celebahq_small.py']

model = dict(train_cfg=dict(rounds=2), test_cfg=dict(rounds=2))
