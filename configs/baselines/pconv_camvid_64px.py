# Partial convolutions under the protocol of fbinpaint_camvid_64px.py.
_base_ = ['../_base_/models/mmagic_pconv_64px.py', '../_base_/protocols/camvid_64px.py']

model = dict(loss_composed_percep=dict(weights=_base_.weights_root))
