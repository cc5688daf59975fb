# The whole loop without the semantic feature loss.
_base_ = ['../fbinpaint_camvid_64px.py']

model = dict(losses=dict(semantic=None))
