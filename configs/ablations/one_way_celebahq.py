# One-way guidance: the map is made once, from the initial result; nothing comes back, neither to
# the segmentor nor, as a loss, from it.
_base_ = ['../fbinpaint_celebahq.py']

model = dict(
    generator=dict(feedback=None, recorrection=None),
    losses=dict(semantic=None),
)
