# mmagic's DeepFill v1 (Yu et al. 2018) with its own losses, weights and optimizers.
# As in mmagic, the generator is updated in every second iteration, the discriminators in all.
_base_ = ['mmagic::deepfillv1/deepfillv1_4xb4_celeba-256x256.py', '../hole_box.py']

model, optim_wrapper = _base_.model, _base_.optim_wrapper
hole_box, pack_hole_box = _base_.hole_box, _base_.pack_hole_box
_base_.clear()  # mmagic's data, schedule and runtime: ours replace them

model.data_preprocessor = dict(type='SemiSupervisedDataPreprocessor')
hole_box.size = model.train_cfg.local_size
# mmagic's gives NaN for a hole that touches every patch of an image.
model.encdec.stage2.contextual_attention.type = 'FiniteAttentionNeck'
