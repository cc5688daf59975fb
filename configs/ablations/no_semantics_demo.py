# No semantics: the initial network and a second one of the same size, without any map.
_base_ = ['../fbinpaint_demo.py']

model = dict(
    generator=dict(segmentor=None, feedback=None, recorrection=None),
    teacher=None,
    losses=dict(consistency=None, semantic=None),
)
