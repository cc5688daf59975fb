# AOT-GAN under the protocol of fbinpaint_demo.py.
_base_ = ['../_base_/models/mmagic_aot_small.py', '../_base_/protocols/demo.py']
