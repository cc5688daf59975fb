# DeepFill v2 under the protocol of fbinpaint_celebahq.py.
_base_ = ['../_base_/models/mmagic_deepfillv2.py', '../_base_/protocols/celebahq.py']
