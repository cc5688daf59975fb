# Trains what makes maps, before there is a guided network: segmentor, feedback and recorrection
# learn from labels, and from the teacher's maps of unlabeled images, while a trained round 0 fills
# the holes. A config of maps/ puts this into a full-size one. FBINPAINT_INITIAL names the
# checkpoint of round 0 here, and that of this stage afterwards.
maps_model = dict(
    generator=dict(guided=None, freeze_initial=True),
    disc=None,
    losses=dict(l1_hole=None, l1_valid=None, perceptual=None, gan=None, semantic=None),
    train_cfg=dict(label_mixing=False),
)
maps_optimizers = dict(
    generator=dict(
        optimizer=dict(lr=2e-3),  # ten times that of the next stage, which begins trained
        paramwise_cfg=dict(
            custom_keys={
                'segmentor.backbone': dict(lr_mult=1.5),
                'segmentor.decode_head': dict(lr_mult=5.0),  # begins at random
            }
        ),
    ),
)
# Few labels: colors vary. Nothing else does, since the images must stay what round 0 has learned.
recolor = dict(
    type='ColorJitter',
    keys=['gt'],
    channel_order='bgr',
    brightness=0.2,
    contrast=0.2,
    saturation=0.3,
    hue=0.02,
)
