# Small, for CPUs and 64 to 128 px: a MobileNetV2 with ImageNet weights as the segmentor, narrow
# inpainters, all losses. Segmentor and initial network may be trained before, see weights.py.
_base_ = ['./inpaintor_small.py', './segmentor_mobilenetv2_small.py']

segmentor = _base_.segmentor
segmentor.init_cfg = _base_.segmentor_init  # trained by a config of segmentors/

model = dict(**_base_.inpaintor)
model['generator'].update(segmentor=segmentor)
# Trained by a config of inpaintors/: it then learns no more, and the guided network starts there.
model['generator']['initial'].update(init_cfg=_base_.initial_init)
model['generator']['guided'].update(init_cfg=_base_.initial_init)
model['generator'].update(freeze_initial=_base_.initial_init is not None)

optim_wrapper = dict(
    generator=dict(
        paramwise_cfg=dict(
            custom_keys={
                # Starts from ImageNet, or from a checkpoint of its own.
                'segmentor.backbone': dict(lr_mult=0.3),
                # What reads the map, and the normalizations that it modulates: they are behind the
                # rest, which mostly starts from a network that can inpaint (ablations/README.md).
                'guided.embeddings': dict(lr_mult=5.0),
                '.modulation.': dict(lr_mult=5.0),
            }
        ),
    ),
)
