# What makes maps, trained before there is a guided network: segmentor, feedback and recorrection
# learn from labels, and from the teacher's maps of unlabeled images, where a trained round 0 has
# filled the holes. FBINPAINT_INITIAL names that round 0; afterwards it names this one's checkpoint.
_base_ = ['./fbinpaint_migan.py']

model = dict(
    generator=dict(guided=None, freeze_initial=True),
    disc=None,
    losses=dict(l1_hole=None, l1_valid=None, perceptual=None, gan=None, semantic=None),
    train_cfg=dict(rounds=1, label_mixing=False),
    test_cfg=dict(rounds=1),
)
optim_wrapper = dict(
    generator=dict(
        optimizer=dict(lr=2e-3),
        paramwise_cfg=dict(
            custom_keys={
                'segmentor.backbone': dict(lr_mult=1.5),
                'segmentor.decode_head': dict(lr_mult=5.0),
            }
        ),
    ),
)
