# No semantics: the initial network and a second, narrower one, without any map.
_base_ = ['./one_way_demo.py']

model = dict(generator=dict(segmentor=None), teacher=None, losses=dict(consistency=None))
