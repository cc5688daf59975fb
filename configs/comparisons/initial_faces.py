# Round 0 that all entries of faces.txt start from.
_base_ = ['../inpaintors/initial_celebahq_64px.py']

train_dataloader = dict(
    batch_size=4,
    dataset=dict(unlabeled_prefix=['images/unlabeled']),
)
max_iters = 1400
train_cfg = dict(max_iters=max_iters)
param_scheduler = _base_.param_scheduler
param_scheduler[0].end = 50
param_scheduler[1].update(begin=50, end=max_iters)
