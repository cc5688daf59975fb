# Round 0 at 256 px on faces, from MI-GAN's weights: about an hour of one CPU core.
_base_ = ['../baselines/migan_celebahq.py']

# The adversary takes longer than this training to be of use.
model = dict(disc=None, losses=dict(gan=None))
train_dataloader = dict(
    batch_size=4,
    num_workers=1,
    batch_sampler=dict(ratio=(1, 3)),
    dataset=dict(unlabeled_prefix=['images/unlabeled']),
)
max_iters = 1000
train_cfg = dict(max_iters=max_iters, val_interval=max_iters)
warmup = dict(_base_.warmup, end=50)
decay = dict(_base_.decay, begin=50, end=max_iters, eta_min_ratio=0.01)
param_scheduler = [warmup, decay]
