# Recorrection by class prototypes alone: nothing guesses the map in the hole.
_base_ = ['../fbinpaint_camvid.py']

model = dict(generator=dict(recorrection=dict(completer=None)))
