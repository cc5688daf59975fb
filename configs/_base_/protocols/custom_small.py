# Images of a user, for minutes on a CPU: data, holes, batches, length, course of the learning rate,
# validations and scores, for models of any kind. Nothing to download.
_base_ = [
    '../datasets/own_images.py',
    '../schedules/iterations_400.py',
    '../evaluation.py',
    '../default_runtime.py',
]

train_dataloader = dict(num_workers=1)
val_dataloader = dict(num_workers=1)
test_dataloader = val_dataloader
