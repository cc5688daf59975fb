# MI-GAN under the protocol of fbinpaint_camvid.py.
_base_ = ['../_base_/models/migan.py', '../_base_/protocols/camvid.py']
