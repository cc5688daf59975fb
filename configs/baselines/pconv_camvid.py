# Partial convolutions under the protocol of fbinpaint_camvid.py.
_base_ = ['../_base_/models/mmagic_pconv.py', '../_base_/protocols/camvid.py']
