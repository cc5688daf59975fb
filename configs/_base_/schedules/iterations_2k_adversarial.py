# Small: 2,000 iterations with an adversary.
_base_ = ['./iterations_2k.py']

optim_wrapper = dict(
    generator=dict(
        # Starts from ImageNet, or from a checkpoint of its own.
        paramwise_cfg=dict(custom_keys={'segmentor.backbone': dict(lr_mult=0.3)}),
    ),
    disc=dict(
        type='OptimWrapper',
        optimizer=dict(type='Adam', lr=5e-4, betas=(0.5, 0.99)),
    ),
)
