# The full method without the label maps of like faces: its map knows how classes look in other
# images, but not where they lie.
_base_ = ['../fbinpaint_celebahq_64px.py']

model = dict(recorrection=dict(layout=None))
