# mmagic's inpainting runtime plus our components, hooks, TensorBoard and the per-sample pictures.
_base_ = ['mmagic::_base_/inpaint_default_runtime.py']

custom_imports = dict(imports=['fbinpaint_mm'], allow_failed_imports=False)
# Hooks for models of any kind. A child config that sets custom_hooks replaces this list.
custom_hooks = [
    dict(
        type='FeedbackVisualizationHook',
        max_samples=8,  # pictures of each validation
        train_interval=None,  # iterations between those of a training batch; None: validations
        max_train_samples=2,  # of one batch: a labeled and an unlabeled image
    ),
    dict(type='RoundReportHook'),  # the table of scores, round by round
    dict(
        type='DivergenceHook',  # stops at a loss or gradient that is not finite
        explode_factor=1000,  # or at a term above this many times its median
    ),
    dict(type='CorruptFileHook'),  # counts the images that on_corrupt='skip' passes over
    dict(
        type='InterruptHook',  # Ctrl-C and SIGTERM save a checkpoint first
        # Iterations between two looks at whether another process was told to stop. Lower it where
        # iterations take seconds: torchrun kills 30 seconds after a signal.
        interval=10,
    ),
]
default_hooks = dict(
    summary=dict(type='RunSummaryHook'),  # data, model and plan before the first iteration
    logger=dict(
        type='EarlyLoggerHook',  # mmengine's, with a first line after 10 iterations
        interval=50,
        log_metric_by_epoch=False,  # else all validations are at step 0 of TensorBoard
    ),
    checkpoint=dict(
        type='WholeCheckpointHook',  # mmengine's, safe against a kill and a full disk
        interval=500,
        max_keep_ckpts=3,
        save_best='PSNR',  # of the last round
        rule='greater',
        out_dir=None,  # the work directory
    ),
)
# Short lines; all numbers go to TensorBoard and scalars.json.
log_processor = dict(_delete_=True, type='ShortLogProcessor', by_epoch=False)
visualizer = dict(
    _delete_=True,
    type='FeedbackVisualizer',
    vis_backends=[dict(type='LocalVisBackend'), dict(type='TensorboardVisBackend')],
)
# Each child (generator, discriminator) is wrapped on its own: they are updated in turn.
model_wrapper_cfg = dict(type='MMSeparateDistributedDataParallel')
randomness = dict(seed=0)
