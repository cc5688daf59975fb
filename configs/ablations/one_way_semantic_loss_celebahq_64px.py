# One-way guidance with the semantic feature loss: what that gives without the loop.
_base_ = ['../fbinpaint_celebahq_64px.py']

model = dict(
    generator=dict(feedback=None, recorrection=None),
    train_cfg=dict(rounds=1),  # the second would repeat the first: same map, same image to refine
    test_cfg=dict(rounds=1),
)
