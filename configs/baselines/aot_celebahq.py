# AOT-GAN under the protocol of fbinpaint_celebahq.py.
_base_ = ['../_base_/models/mmagic_aot.py', '../_base_/protocols/celebahq.py']
