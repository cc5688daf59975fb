# One-way guidance, and the teacher judges the images: what the judgement gives without the loop.
_base_ = ['../fbinpaint_camvid_64px.py']

model = dict(feedback=None, recorrection=None)
