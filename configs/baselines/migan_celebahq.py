# MI-GAN under the protocol of fbinpaint_celebahq.py.
_base_ = ['../_base_/models/migan.py', '../_base_/protocols/celebahq.py']
