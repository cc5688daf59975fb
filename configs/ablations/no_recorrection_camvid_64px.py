# Feedback without recorrection: no class prototypes.
_base_ = ['../fbinpaint_camvid_64px.py']

model = dict(generator=dict(recorrection=None))
