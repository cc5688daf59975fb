# mmagic's DeepFill v2 (Yu et al. 2019) with its own losses, weights and optimizers.
_base_ = ['mmagic::deepfillv2/deepfillv2_8xb2_celeba-256x256.py']

model, optim_wrapper = _base_.model, _base_.optim_wrapper
_base_.clear()  # mmagic's data, schedule and runtime: ours replace them

model.data_preprocessor = dict(type='SemiSupervisedDataPreprocessor')
# mmagic's gives NaN for a hole that touches every patch of an image.
model.encdec.stage2.contextual_attention.type = 'FiniteAttentionNeck'
