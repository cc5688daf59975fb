# No semantics: the network refines its own image, without any map.
_base_ = ['./one_way_cityscapes.py']

model = dict(generator=dict(segmentor=None), teacher=None, losses=dict(consistency=None))
