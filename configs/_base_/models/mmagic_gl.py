# mmagic's Global & Local (Iizuka et al. 2017) with its own losses, weights and optimizers.
_base_ = ['mmagic::global_local/gl_8xb12_celeba-256x256.py', '../hole_box.py']

model, optim_wrapper = _base_.model, _base_.optim_wrapper
hole_box, pack_hole_box = _base_.hole_box, _base_.pack_hole_box
_base_.clear()  # mmagic's data, schedule and runtime: ours replace them

model.data_preprocessor = dict(type='SemiSupervisedDataPreprocessor')
hole_box.size = model.train_cfg.local_size
# Plain BN so that it runs everywhere; sync_bn='torch' in a config converts it on several GPUs.
model.encdec.encoder.norm_cfg = dict(type='BN')
model.encdec.dilation_neck.norm_cfg = dict(type='BN')
model.encdec.decoder.norm_cfg = dict(type='BN')
model.disc.global_disc_cfg.norm_cfg = dict(type='BN')
model.disc.local_disc_cfg.norm_cfg = dict(type='BN')
# mmagic's phases fit 300,000 iterations: the generator alone until iter_tc, the discriminators
# alone until iter_td, then both. Another length wants others. A resumed run counts from start_iter.
