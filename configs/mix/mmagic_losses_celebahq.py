# mmagic's own perceptual and style loss (VGG19, a download of torchvision), Charbonnier for L1, and
# total variation.
_base_ = ['../fbinpaint_celebahq.py']

model = dict(
    losses=dict(
        l1_hole=dict(type='CharbonnierLoss'),
        l1_valid=dict(type='CharbonnierLoss'),
        perceptual=dict(
            _delete_=True,
            type='PerceptualLoss',
            layer_weights={'1': 1.0, '6': 1.0, '11': 1.0, '20': 1.0},  # relu1_1 to relu4_1
            perceptual_weight=0.1,
            style_weight=120.0,
        ),
        tv=dict(type='MaskedTVLoss', loss_weight=0.1),
    ),
)
