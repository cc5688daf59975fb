# AOT-GAN under the protocol of fbinpaint_camvid_small.py.
_base_ = ['../_base_/models/mmagic_aot_small.py', '../_base_/protocols/camvid_small.py']
