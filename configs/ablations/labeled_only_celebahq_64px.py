# The labeled images alone: the others are left out.
_base_ = ['../fbinpaint_celebahq_64px.py']

train_dataloader = dict(batch_sampler=dict(ratio=(1, 0)))
