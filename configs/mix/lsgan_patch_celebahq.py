# The least-squares loss and mmagic's PatchGAN, which sees the image without the hole mask.
_base_ = ['../fbinpaint_celebahq.py']

model = dict(
    disc=dict(
        _delete_=True,
        type='MMagicDiscriminatorAdapter',
        view='image',
        discriminator=dict(type='PatchDiscriminator', in_channels=3),
    ),
    losses=dict(gan=dict(gan_type='lsgan')),
)
