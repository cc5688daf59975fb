# mmagic's DeepFill v2 in both places, two networks of their own.
_base_ = ['../fbinpaint_celebahq.py', '../_base_/networks/mmagic_deepfillv2.py']

model = dict(
    generator=dict(
        initial=dict(_delete_=True, **_base_.network),
        guided=dict(_delete_=True, **_base_.network),
    ),
)
load_from = None  # no round 0 of ours
