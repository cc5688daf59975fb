# Small: 2,000 iterations with an adversary.
_base_ = ['./iterations_2k.py']

optim_wrapper = dict(
    generator=dict(
        paramwise_cfg=dict(
            custom_keys={
                # Starts from ImageNet, or from a checkpoint of its own.
                'segmentor.backbone': dict(lr_mult=0.3),
                # What reads the map, and the normalisations that it modulates: they are behind the
                # rest, which mostly starts from a network that can inpaint (ablations/README.md).
                'guided.embeddings': dict(lr_mult=5.0),
                '.modulation.': dict(lr_mult=5.0),
            }
        ),
    ),
    disc=dict(
        type='OptimWrapper',
        optimizer=dict(type='Adam', lr=5e-4, betas=(0.5, 0.99)),
    ),
)
