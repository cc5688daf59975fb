# Global & Local under the protocol of fbinpaint_cityscapes.py.
_base_ = ['../_base_/models/mmagic_gl.py', '../_base_/protocols/cityscapes.py']

train_pipeline = [*_base_.train_steps, _base_.hole_box, _base_.pack_hole_box]
train_dataloader = dict(dataset=dict(pipeline=train_pipeline))
