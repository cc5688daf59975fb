# Wasserstein instead of hinge loss; the spectral normalization of the discriminator bounds it.
_base_ = ['../fbinpaint_celebahq.py']

model = dict(losses=dict(gan=dict(gan_type='wgan', loss_weight=0.01)))
