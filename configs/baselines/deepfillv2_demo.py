# DeepFill v2 under the protocol of fbinpaint_demo.py.
_base_ = ['../_base_/models/mmagic_deepfillv2_small.py', '../_base_/protocols/demo.py']
