# AOT-GAN under the protocol of fbinpaint_camvid_64px.py.
_base_ = ['../_base_/models/mmagic_aot_64px.py', '../_base_/protocols/camvid_64px.py']
