# DeepFill v2 under the protocol of fbinpaint_camvid_64px.py.
_base_ = ['../_base_/models/mmagic_deepfillv2_small.py', '../_base_/protocols/camvid_64px.py']
