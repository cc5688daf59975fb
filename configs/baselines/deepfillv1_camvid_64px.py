# DeepFill v1 under the protocol of fbinpaint_camvid_64px.py.
_base_ = ['../_base_/models/mmagic_deepfillv1_small.py', '../_base_/protocols/camvid_64px.py']

train_pipeline = [*_base_.train_pipeline[:-1], *_base_.pack_hole_box]
train_dataloader = dict(dataset=dict(pipeline=train_pipeline))
