# Full training: 300,000 iterations, cosine decay. Lengths are named once; --cfg-options max_iters=N
# scales all of them, and feedback_ramp=N sets the ramps.
max_iters = 300000
feedback_ramp = 500  # iterations until feedback and teacher act in full

train_cfg = dict(type='IterBasedTrainLoop', max_iters=max_iters, val_interval=10000)
val_cfg = dict(type='MultiValLoop')
test_cfg = dict(type='MultiTestLoop')
# --auto-scale-lr scales learning rates from this total batch size to the real one.
auto_scale_lr = dict(enable=False, base_batch_size=8)
warmup = dict(type='LinearLR', start_factor=0.01, by_epoch=False, begin=0, end=1000)
decay = dict(
    type='CosineAnnealingLR',
    by_epoch=False,
    begin=warmup['end'],
    end=max_iters,
    eta_min_ratio=0.05,
)
param_scheduler = [warmup, decay]
# Hooks of our model; a config of it puts them before those of the runtime.
feedback_hooks = [
    dict(
        type='FeedbackHook',
        start=0,  # first iteration with feedback
        ramp=feedback_ramp,
        # Whether iterations take turns with 1, 2, ... R rounds; None: where only_last_learns.
        cycle_rounds=None,
    ),
    dict(
        type='MeanTeacherHook',
        momentum=0.99,  # share of the teacher that is kept at each iteration
        ramp=feedback_ramp,
    ),
    dict(
        type='ClassMemoryHook',  # pictures and movement of the class prototypes
        interval=None,  # iterations between them; None: as validations
    ),
    dict(type='CorrectionReportHook'),  # what the recorrection corrects and spoils, by class
]
