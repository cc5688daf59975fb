# Ours paints round 0, mmagic's AOT-GAN corrects it: an adapter gives it the map, which it knows
# nothing of.
_base_ = ['../fbinpaint_celebahq.py', '../_base_/networks/mmagic_aot.py']

model = dict(
    generator=dict(
        initial=dict(_delete_=True, **_base_.migan),
        guided=dict(_delete_=True, **_base_.network),
    ),
)
