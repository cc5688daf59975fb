# Feedback without recorrection: no class prototypes, no map completer.
_base_ = ['../fbinpaint_celebahq_64px.py']

model = dict(generator=dict(recorrection=None))
