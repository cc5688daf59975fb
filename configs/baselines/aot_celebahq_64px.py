# AOT-GAN under the protocol of fbinpaint_celebahq_64px.py.
_base_ = ['../_base_/models/mmagic_aot_64px.py', '../_base_/protocols/celebahq_64px.py']
