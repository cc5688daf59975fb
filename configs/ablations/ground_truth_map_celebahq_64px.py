# Guidance by the true map, everywhere and always: the upper bound of what semantics can give. It
# learns from the images of the training set, all labelled, and from no others.
_base_ = ['../fbinpaint_celebahq_64px.py']

model = dict(
    guide_by_ground_truth=True,
    feedback=None,
    recorrection=None,
    loss_semantic=None,
    train_cfg=dict(rounds=1),  # the second would repeat the first: same map, same image to refine
    test_cfg=dict(rounds=1),
)
train_dataloader = dict(
    batch_sampler=dict(ratio=(1, 0)),
    dataset=dict(labeled_ratio=1),
)
