# No semantics: the initial network and a second one of the same size, without any map.
_base_ = ['./one_way_celebahq.py']

model = dict(generator=dict(segmentor=None), teacher=None, losses=dict(consistency=None))
