# mmagic's partial convolutions (Liu et al. 2018) with their own losses, weights and optimizer: its
# first stage. The second, fine-tuning with frozen statistics, would be a second schedule.
_base_ = ['mmagic::partial_conv/pconv_stage1_8xb1_celeba-256x256.py', '../weights.py']

model, optim_wrapper, weights_root = _base_.model, _base_.optim_wrapper, _base_.weights_root
_base_.clear()  # mmagic's data, schedule and runtime: ours replace them

model.data_preprocessor = dict(type='SemiSupervisedDataPreprocessor')
model.encdec.type = 'PaddedPConvEncoderDecoder'  # mmagic's wants multiples of 128 pixels
# Plain BN so that it runs everywhere; sync_bn='torch' in a config converts it on several GPUs.
model.encdec.encoder.norm_cfg = dict(type='BN')
model.encdec.decoder.norm_cfg = dict(type='BN')
# The same layers and weights; mmagic's PerceptualLoss always downloads its VGG16.
model.loss_composed_percep.pop('vgg_type')
model.loss_composed_percep.pop('pretrained')
model.loss_composed_percep.update(type='VGGPerceptualLoss', weights=weights_root)
