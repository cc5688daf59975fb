# As segmentor_mobilenetv2.py, for 64 to 128 px: strides of 1 to 16.
_base_ = ['./segmentor_mobilenetv2.py']

segmentor = dict(
    backbone=dict(stem_stride=1, out_indices=(1, 3, 6, 13, 17)),
    decode_head=dict(in_channels=[16, 24, 32, 96, 320], in_index=[0, 1, 2, 3, 4]),
)
