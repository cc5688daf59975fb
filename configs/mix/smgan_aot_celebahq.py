# The adversary of AOT-GAN: its discriminator says where the hole is, softly.
_base_ = ['../fbinpaint_celebahq.py']

disc = dict(type='SoftMaskPatchDiscriminator', in_channels=3, with_spectral_norm=True)
model = dict(
    disc=dict(_delete_=True, type='MMagicDiscriminatorAdapter', view='image', discriminator=disc),
    # 0 for what is real: mmagic's GANLoss wants 1 in the hole of what is not, and its default for
    # what is real is 1 too, under which nothing opposes the generator.
    losses=dict(gan=dict(gan_type='smgan', loss_weight=0.01, real_label_val=0.0)),
)
