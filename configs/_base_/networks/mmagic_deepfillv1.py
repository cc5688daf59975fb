# mmagic's DeepFill v1 network, two stages, as its DeepFillv1Inpaintor trains it.
_base_ = ['mmagic::deepfillv1/deepfillv1_4xb4_celeba-256x256.py']

network = _base_.model.encdec
_base_.clear()  # all else of mmagic's: ours replaces it
