# No semantics: the initial network and a guided one of the same size, without any map.
_base_ = ['./one_way_celebahq_64px.py']

model = dict(generator=dict(segmentor=None), teacher=None, losses=dict(consistency=None))
