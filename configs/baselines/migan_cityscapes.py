# MI-GAN under the protocol of fbinpaint_cityscapes.py.
_base_ = ['../_base_/models/migan.py', '../_base_/protocols/cityscapes.py']
