# Supervised only, every label map: no teacher, and no image without a label map is seen.
_base_ = ['../fbinpaint_celebahq_small.py']

model = dict(loss_consistency=None)
train_dataloader = dict(
    batch_sampler=dict(ratio=(1, 0)),
    dataset=dict(labeled_ratio=1),
)
