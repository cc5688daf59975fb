# Feedback without recorrection: no comparison with what classes look like in other images.
_base_ = ['../fbinpaint_celebahq_64px.py']

model = dict(recorrection=None)
