# The full method without retrieved label maps: its map knows the features of classes in other
# images, but not where they lie.
_base_ = ['../fbinpaint_celebahq_64px.py']

model = dict(generator=dict(recorrection=dict(layout=None)))
