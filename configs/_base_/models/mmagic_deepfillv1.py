# mmagic's DeepFill v1 (Yu et al. 2018) with its own losses, weights and optimizers.
# As in mmagic, the generator is updated in every second iteration, the discriminators in all.
_base_ = ['mmagic::deepfillv1/deepfillv1_4xb4_celeba-256x256.py']

model, optim_wrapper = _base_.model, _base_.optim_wrapper
_base_.clear()  # mmagic's data, schedule and runtime: ours replace them

model.data_preprocessor = dict(type='SemiSupervisedDataPreprocessor')
# mmagic's gives NaN for a hole that touches every patch of an image.
model.encdec.stage2.contextual_attention.type = 'FiniteAttentionNeck'

# Replaces PackSemanticInputs in training: our holes are no boxes, and the local
# discriminator wants one.
pack_hole_box = [
    dict(type='HoleBoundingBox', size=128),  # train_cfg.local_size
    dict(type='PackSemanticInputs', meta_keys=['mask_bbox']),
]
