# Two adversaries, whose losses are averaged: our patch discriminator, and DeepFill v1's pair that
# looks at the image and at the window with most of the hole.
_base_ = ['../fbinpaint_celebahq.py']

patches = dict(type='MultiLayerDiscriminator', in_channels=3, max_channels=256)
global_local = dict(
    type='MMagicDiscriminatorAdapter',
    view='global_local',
    local_size=128,  # pixels
    discriminator=dict(
        type='DeepFillv1Discriminators', global_disc_cfg=patches, local_disc_cfg=patches
    ),
)
model = dict(disc=[_base_.model.disc, global_local])
