# Round 0 that all entries of streets.txt start from.
_base_ = ['../inpaintors/initial_camvid_64px.py']

train_dataloader = dict(
    batch_size=4,
)
max_iters = 1400
train_cfg = dict(max_iters=max_iters)
warmup = dict(_base_.warmup, end=50)
decay = dict(_base_.decay, begin=50, end=max_iters)
param_scheduler = [warmup, decay]
