# AOT-GAN under the protocol of fbinpaint_camvid.py.
_base_ = ['../_base_/models/mmagic_aot.py', '../_base_/protocols/camvid.py']

model = dict(loss_composed_percep=dict(weights=_base_.weights_root))
