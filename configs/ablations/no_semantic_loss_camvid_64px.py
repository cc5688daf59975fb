# The whole loop, but the teacher does not judge its images.
_base_ = ['../fbinpaint_camvid_64px.py']

model = dict(loss_semantic=None)
