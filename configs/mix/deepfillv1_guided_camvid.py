# Ours paints round 0, both stages of mmagic's DeepFill v1 correct it under the map.
_base_ = ['../fbinpaint_camvid.py', '../_base_/networks/mmagic_deepfillv1.py']

model = dict(
    generator=dict(
        initial=dict(_delete_=True, **_base_.migan),
        guided=dict(_delete_=True, **_base_.network),
    ),
)
