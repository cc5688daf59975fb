# MI-GAN (Sargsyan et al. 2023): round 0 of the full-size inpaintors alone, under their losses of
# images. It starts from the weights of its authors, see weights.py, and from no other round 0.
_base_ = ['./inpaintor.py']

model = dict(_base_.inpaintor, teacher=None)
model['generator']['initial'] = dict(_base_.migan, init_cfg=_base_.migan_init)
model['generator'].update(guided=None, feedback=None, recorrection=None)
model['losses'].update(segmentation=None, consistency=None, prototype=None, semantic=None)
model['train_cfg'].update(rounds=0)
model['test_cfg'].update(rounds=0)
