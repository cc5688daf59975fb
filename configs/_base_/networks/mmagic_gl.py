# mmagic's Global & Local network, as its GLInpaintor trains it.
_base_ = ['mmagic::global_local/gl_8xb12_celeba-256x256.py']

network = _base_.model.encdec
_base_.clear()  # all else of mmagic's: ours replaces it
# Plain BN so that it runs everywhere; sync_bn='torch' in a config converts it on several GPUs.
network.encoder.norm_cfg = dict(type='BN')
network.dilation_neck.norm_cfg = dict(type='BN')
network.decoder.norm_cfg = dict(type='BN')
