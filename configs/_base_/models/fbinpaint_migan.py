# Full size, light: MI-GAN's network for all rounds, and a MobileNetV2 with ImageNet weights as the
# segmentor. Where they start: weights.py; the segmentor of the maps stage comes with round 0.
_base_ = ['./inpaintor.py', './segmentor_mobilenetv2.py']

model = dict(**_base_.inpaintor)
model['generator'].update(segmentor=_base_.segmentor)
model['losses']['semantic'].update(loss_weight=2.0)
# A second round adds nothing at this size, see ablations/README.md.
model['train_cfg'].update(rounds=1)
model['test_cfg'].update(rounds=1)

optim_wrapper = dict(
    generator=dict(
        paramwise_cfg=dict(
            custom_keys={
                'segmentor.backbone': dict(lr_mult=0.3),  # starts from ImageNet at least
                # What reads the map starts without effect, a scale of 1, which must not decay.
                'guided.modulation': dict(lr_mult=15.0, decay_mult=0.0),
            }
        ),
    ),
)
