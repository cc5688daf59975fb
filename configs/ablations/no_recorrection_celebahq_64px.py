# Feedback without recorrection: no class prototypes.
_base_ = ['../fbinpaint_celebahq_64px.py']

model = dict(generator=dict(recorrection=None))
