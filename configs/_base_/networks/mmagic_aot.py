# mmagic's AOT-GAN network, as its AOTInpaintor trains it.
_base_ = ['mmagic::aot_gan/aot-gan_smpgan_4xb4_places-512x512.py']

network = dict(
    type='MMagicNetworkAdapter',
    network=_base_.model.encdec,
    channel_order='rgb',  # of the images that mmagic trains it on
    # As in the authors' code; mmagic's own initialization saturates the Tanh at its end.
    init_cfg=dict(type='Normal', layer='Conv2d', std=0.02),
)
_base_.clear()  # all else of mmagic's: ours replaces it
