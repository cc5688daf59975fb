# The embedded data set: small labelled scenes, rendered on the fly; nothing to download.
# A child config changes a variable by setting the keys that use it: mmengine copies variables of a
# base into the keys before a child is read, so `image_size = 128` alone changes nothing.
custom_imports = dict(imports=['fbinpaint_mm'], allow_failed_imports=False)
default_scope = 'mmagic'

dataset_type = 'ProceduralScenesDataset'
num_classes = 10
image_size = 64  # pixels, height and width
labeled_ratio = 1 / 4  # fraction of the training scenes whose label map may be used

# Sizes of the random holes follow the image: lengths and widths are pixels.
hole_shape = (image_size, image_size)
stroke_hole = dict(
    type='LoadMask',
    mask_mode='irregular',
    mask_config=dict(
        img_shape=hole_shape,
        num_vertices=(4, 12),  # number of strokes
        max_angle=4,
        length_range=(image_size // 25, image_size * 2 // 5),
        brush_width=(image_size // 25, image_size // 6),
        area_ratio_range=(0.1, 0.6),  # drawn again until the hole covers this much of the image
    ),
)
box_hole = dict(
    type='LoadMask',
    mask_mode='bbox',
    mask_config=dict(
        img_shape=hole_shape,
        max_bbox_shape=image_size * 5 // 8,
        max_bbox_delta=image_size // 2,
        min_margin=image_size // 16,
    ),
)
class_hole = dict(  # the shape of a class of the image; strokes where the image has no labels
    type='SemanticHole', area_range=(0.08, 0.5), fallback=stroke_hole
)

train_pipeline = [
    dict(type='LoadProceduralScene', image_size=image_size),
    dict(type='Flip', keys=['gt', 'gt_seg'], flip_ratio=0.5, direction='horizontal'),
    dict(
        type='RandomChoice',  # one kind of hole per image, with these probabilities
        transforms=[[stroke_hole], [box_hole], [class_hole]],
        prob=[0.5, 0.25, 0.25],
    ),
    dict(type='GetMaskedImage'),  # img = gt with 127.5 in the hole
    dict(type='PackSemanticInputs'),
]
# The same (image, hole) pairs on every machine: sample i has a hole of bin i % 5 of 10-60 % area.
val_pipeline = [
    dict(type='LoadProceduralScene', image_size=image_size),
    dict(type='FixedHole', seed=0),
    dict(type='GetMaskedImage'),
    dict(type='PackSemanticInputs'),
]

train_dataloader = dict(
    num_workers=2,
    persistent_workers=True,
    sampler=dict(type='InfiniteSampler', shuffle=True),
    # Half of every batch is labelled.
    batch_sampler=dict(type='LabeledRatioBatchSampler', ratio=(1, 1)),
    batch_size=8,
    dataset=dict(
        type=dataset_type,
        split='train',
        num_scenes=512,
        seed=0,
        labeled_ratio=labeled_ratio,
        pipeline=train_pipeline,
    ),
)
val_dataloader = dict(
    num_workers=1,
    persistent_workers=True,
    batch_size=8,
    sampler=dict(type='DefaultSampler', shuffle=False),
    dataset=dict(
        type=dataset_type,
        split='val',
        num_scenes=40,  # 8 per area bin
        seed=0,
        labeled_ratio=1.0,
        pipeline=val_pipeline,
    ),
)
test_dataloader = dict(
    num_workers=1,
    persistent_workers=True,
    batch_size=8,
    sampler=dict(type='DefaultSampler', shuffle=False),
    dataset=dict(
        type=dataset_type,
        split='test',
        num_scenes=100,  # 20 per area bin
        seed=0,
        labeled_ratio=1.0,
        pipeline=val_pipeline,
    ),
)
