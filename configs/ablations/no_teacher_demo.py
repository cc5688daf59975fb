# Without the teacher: unlabelled images train the inpainters, not the segmentor.
_base_ = ['../fbinpaint_demo.py']

model = dict(loss_consistency=None)
