# mmagic's DeepFill v2 network, two gated stages, as its TwoStageInpaintor trains it.
_base_ = ['mmagic::deepfillv2/deepfillv2_8xb2_celeba-256x256.py']

network = _base_.model.encdec
_base_.clear()  # all else of mmagic's: ours replaces it
