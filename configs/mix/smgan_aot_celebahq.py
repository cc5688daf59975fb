# The adversary of AOT-GAN: its discriminator says where the hole is, softly.
_base_ = ['../fbinpaint_celebahq.py']

disc = dict(type='SoftMaskPatchDiscriminator', in_channels=3, with_spectral_norm=True)
model = dict(
    disc=dict(_delete_=True, type='MMagicDiscriminatorAdapter', view='image', discriminator=disc),
    loss_gan=dict(gan_type='smgan', loss_weight=0.01),
)
