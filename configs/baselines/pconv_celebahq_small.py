# Partial convolutions under the protocol of fbinpaint_celebahq_small.py.
_base_ = ['../_base_/models/mmagic_pconv_small.py', '../_base_/protocols/celebahq_small.py']
