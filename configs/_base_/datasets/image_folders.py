# What the data sets made of files share: pipelines, holes and loaders. A child config overrides a
# key where it is used, e.g. train_dataloader = dict(dataset=dict(image_size=128)), val and test
# too.
_base_ = ['../paths.py']

load = [
    dict(type='LoadWholeImage', key='gt'),
    dict(type='LoadSemanticMap'),
]
flip_and_mask = [
    dict(type='FlipSample', probability=0.5),  # classes of left and right change places
    dict(
        type='RandomChoice',  # a mixture of holes, with probabilities
        transforms=[
            [dict(type='RandomHole', mask_mode='ff', area_range=(0.1, 0.6))],
            [dict(type='RandomHole', mask_mode='bbox', area_range=(0.1, 0.6))],
            [dict(type='RandomHole', mask_mode='irregular', area_range=(0.1, 0.6))],
            # Shaped by a class; unlabeled images get strokes instead.
            [dict(type='SemanticHole', fallback=dict(type='RandomHole', mask_mode='ff'))],
        ],
        prob=[0.4, 0.2, 0.2, 0.2],
    ),
    dict(type='GetMaskedImage', zero_value=127.5),  # the hole is 0 after normalization
]
resize = dict(type='ResizeSample')  # to image_size of the data set
# A child config may put transforms between these and pack.
train_steps = [*load, resize, *flip_and_mask]
val_steps = [
    *load,
    resize,
    dict(type='FixedHole', seed=0),  # the same hole for the same image, on any machine
    dict(type='GetMaskedImage', zero_value=127.5),
]
pack = dict(type='PackSemanticInputs')
train_pipeline = [*train_steps, pack]
val_pipeline = [*val_steps, pack]

train_dataloader = dict(
    batch_size=8,  # per GPU
    num_workers=4,
    sampler=dict(type='InfiniteSampler'),
    # labeled : unlabeled in every batch; batch_size must be a multiple of their sum
    batch_sampler=dict(type='LabeledRatioBatchSampler', ratio=(1, 1)),
    dataset=dict(
        labeled_ratio='1/8',  # or labeled_list='labeled.txt', one stem per line
        labeled_seed=0,
        unlabeled_prefix=[],  # further folders of unlabeled images
        image_size=256,  # side, or (height, width)
        check='auto',  # 'full', 'headers' or 'off': how thoroughly files are read before training
        on_corrupt='raise',  # or 'skip': another image replaces a corrupt one
        max_corrupt=0.01,  # share of images that 'skip' accepts
        pipeline=train_pipeline,
    ),
)
val_dataloader = dict(
    batch_size=8,
    num_workers=4,
    sampler=dict(type='DefaultSampler', shuffle=False),
    dataset=dict(
        image_size=256,
        holes_per_image=1,  # fixed holes of each image, in turn
        pipeline=val_pipeline,
        test_mode=True,
    ),
)
test_dataloader = val_dataloader
