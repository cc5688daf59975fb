# Template for your own images and classes: copy it and edit the block below.
_base_ = ['fbinpaint_mm::fbinpaint_celebahq.py']

data_root = 'data/my_images'  # images/{train,val,unlabeled}/*.jpg, annotations/{train,val}/*.png
metainfo = dict(
    classes=(
        'background',
        'animal',
        'plant',
    ),  # pixel value 0, 1, 2 of the label maps; 255: unknown
    palette=[(0, 0, 0), (220, 60, 60), (60, 180, 75)],  # RGB, for the pictures
)
image_size = 256  # side, or (height, width); padded to multiples of 8

num_classes = len(metainfo['classes'])
model = dict(
    data_preprocessor=dict(num_classes=num_classes),
    generator=dict(
        segmentor=dict(decode_head=dict(num_classes=num_classes)),
        # Remove this line for aligned images, such as faces: label maps of similar images then
        # complete those in holes, and become part of the checkpoint.
        recorrection=dict(layout=None),
    ),
    # The threshold: up to 0.9 for few, unambiguous classes.
    losses=dict(consistency=dict(confidence_threshold=0.0)),
)
# Without unlabeled images: unlabeled_prefix=[] below, and here
# batch_sampler=dict(ratio=(1, 0)) beside dataset.
train_dataloader = dict(
    dataset=dict(
        _delete_=True,
        type='SemanticInpaintingDataset',
        data_root=data_root,
        data_prefix=dict(img_path='images/train', seg_map_path='annotations/train'),
        labeled_ratio=1,  # or '1/8', or labeled_list='labeled.txt' with one stem per line
        unlabeled_prefix=['images/unlabeled'],  # folders of images without label maps
        image_size=image_size,
        metainfo=metainfo,
        pipeline=_base_.train_pipeline,
    ),
)
val_dataloader = dict(
    dataset=dict(
        _delete_=True,
        type='SemanticInpaintingDataset',
        data_root=data_root,
        data_prefix=dict(img_path='images/val', seg_map_path='annotations/val'),
        image_size=image_size,
        metainfo=metainfo,
        pipeline=_base_.val_pipeline,
        test_mode=True,
    ),
)
test_dataloader = val_dataloader
