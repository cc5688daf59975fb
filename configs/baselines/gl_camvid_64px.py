# Global & Local under the protocol of fbinpaint_camvid_64px.py.
_base_ = ['../_base_/models/mmagic_gl_small.py', '../_base_/protocols/camvid_64px.py']

train_pipeline = [*_base_.train_steps, _base_.hole_box, _base_.pack_hole_box]
train_dataloader = dict(dataset=dict(pipeline=train_pipeline))
# mmagic's phases, scaled from 300,000 iterations.
model = dict(train_cfg=dict(iter_tc=_base_.max_iters * 2 // 15, iter_td=_base_.max_iters // 6))
