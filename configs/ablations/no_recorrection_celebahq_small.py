# Feedback without recorrection: no comparison with what classes look like in other images.
_base_ = ['../fbinpaint_celebahq_small.py']

model = dict(recorrection=None)
