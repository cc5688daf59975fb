# DeepFill v2 under the protocol of fbinpaint_cityscapes.py.
_base_ = ['../_base_/models/mmagic_deepfillv2.py', '../_base_/protocols/cityscapes.py']
