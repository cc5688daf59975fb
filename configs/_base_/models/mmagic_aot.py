# mmagic's AOT-GAN (Zeng et al. 2021) with its own losses, weights and optimizers.
_base_ = ['mmagic::aot_gan/aot-gan_smpgan_4xb4_places-512x512.py', '../weights.py']

model, optim_wrapper, weights_root = _base_.model, _base_.optim_wrapper, _base_.weights_root
_base_.clear()  # mmagic's data, schedule and runtime: ours replace them

# mmagic trains it on RGB images; so its checkpoints fit.
model.data_preprocessor = dict(type='SemiSupervisedDataPreprocessor', output_channel_order='RGB')
# As in the authors' code. With mmagic's own initialization nine of ten outputs are saturated (Tanh)
# from the start, and it never learns.
model.init_cfg = dict(type='Normal', layer='Conv2d', std=0.02)
model.disc.type = 'InitializablePatchDiscriminator'  # no Runner can initialize mmagic's
# mmagic's PerceptualLoss always downloads its VGG19. Ours is a VGG16: the same activations by name,
# the last one of a block where VGG19 has a fourth convolution in it.
model.loss_composed_percep = dict(
    type='VGGPerceptualLoss',
    weights=weights_root,
    channel_order='rgb',
    # relu1_1, relu2_1, relu3_1, relu4_1, relu5_1
    layer_weights={'1': 1.0, '6': 1.0, '11': 1.0, '18': 1.0, '25': 1.0},
    # relu2_2, relu3_3 (3_4), relu4_3 (4_4), relu5_2
    layer_weights_style={'8': 1.0, '15': 1.0, '22': 1.0, '27': 1.0},
    perceptual_weight=model.loss_composed_percep.perceptual_weight,
    style_weight=model.loss_composed_percep.style_weight,
)
