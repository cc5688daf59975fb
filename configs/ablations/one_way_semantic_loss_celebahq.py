# One-way guidance with the semantic feature loss: what that gives without the loop.
_base_ = ['../fbinpaint_celebahq.py']

model = dict(generator=dict(feedback=None, recorrection=None))
