# mmagic's partial-convolution network, as its PConvInpaintor trains it.
_base_ = ['mmagic::partial_conv/pconv_stage1_8xb1_celeba-256x256.py']

network = _base_.model.encdec
_base_.clear()  # all else of mmagic's: ours replaces it
# Plain BN so that it runs everywhere; sync_bn='torch' in a config converts it on several GPUs.
network.encoder.norm_cfg = dict(type='BN')
network.decoder.norm_cfg = dict(type='BN')
