# The embedded scenes at 64x64: data, holes, batches, length, course of the learning rate,
# validations and scores, for models of any kind.
_base_ = [
    '../datasets/procedural_scenes.py',
    '../schedules/iterations_400.py',
    '../evaluation.py',
    '../default_runtime.py',
]

default_hooks = dict(checkpoint=dict(interval=100))
