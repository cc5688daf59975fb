# Two rounds of feedback.
_base_ = ['../fbinpaint_demo.py']

model = dict(train_cfg=dict(rounds=2), test_cfg=dict(rounds=2))
