# Round 0 alone: fbinpaint_celebahq_64px.py starts from its checkpoint, see initial_checkpoint in
# _base_/weights.py. It starts from none itself.
_base_ = ['../fbinpaint_celebahq_64px.py']

model = dict(
    generator=dict(
        initial=dict(init_cfg=None),
        guided=None,
        segmentor=None,
        feedback=None,
        recorrection=None,
        freeze_initial=False,
    ),
    teacher=None,
    losses=dict(consistency=None, semantic=None),
    train_cfg=dict(rounds=0),
    test_cfg=dict(rounds=0),
)
load_from = None
