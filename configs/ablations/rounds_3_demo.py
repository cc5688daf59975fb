# Three rounds of feedback.
_base_ = ['../fbinpaint_demo.py']

model = dict(train_cfg=dict(rounds=3), test_cfg=dict(rounds=3))
