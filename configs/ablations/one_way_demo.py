# One-way guidance: the map is made once, from the initial result; nothing comes back.
_base_ = ['../fbinpaint_demo.py']

model = dict(
    generator=dict(feedback=None, recorrection=None),
    train_cfg=dict(rounds=1),  # the second would repeat the first: same map, same image to refine
    test_cfg=dict(rounds=1),
)
