_base_ = ['../fbinpaint_celebahq_64px.py']

model = dict(
    guided=None,
    segmentor=None,
    feedback=None,
    recorrection=None,
    train_cfg=dict(rounds=0),
    test_cfg=dict(rounds=0),
)
