# One-way guidance: the map is made once, from the initial result; nothing comes back.
_base_ = ['../fbinpaint_demo.py']

model = dict(
    generator=dict(feedback=None, recorrection=None),
)
