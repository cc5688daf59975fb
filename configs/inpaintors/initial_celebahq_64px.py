# Round 0 alone: fbinpaint_celebahq_64px.py starts from its checkpoint, see initial_checkpoint in
# _base_/paths.py. It starts from none itself.
_base_ = ['../fbinpaint_celebahq_64px.py']

model = dict(
    freeze_initial=False,
    start_checkpoint=None,
    initial=dict(init_cfg=None),
    guided=None,
    segmentor=None,
    feedback=None,
    recorrection=None,
    loss_semantic=None,
    train_cfg=dict(rounds=0),
    test_cfg=dict(rounds=0),
)
