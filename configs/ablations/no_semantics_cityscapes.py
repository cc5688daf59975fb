# No semantics: the initial network and a second one of the same size, without any map.
_base_ = ['../fbinpaint_cityscapes.py']

model = dict(
    generator=dict(segmentor=None, feedback=None, recorrection=None),
    teacher=None,
    losses=dict(consistency=None, semantic=None),
    train_cfg=dict(rounds=1),  # the second would repeat the first: same map, same image to refine
    test_cfg=dict(rounds=1),
)
