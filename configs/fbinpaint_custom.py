# Template for your own images and classes at full size: copy it to any folder and edit it.
_base_ = [
    'fbinpaint_mm::_base_/models/fbinpaint_migan.py',
    'fbinpaint_mm::_base_/protocols/custom.py',
]

data_root = 'data/my_images'  # images/{train,val,unlabeled}/*.jpg, annotations/{train,val}/*.png
metainfo = dict(
    classes=(
        'background',
        'animal',
        'plant',
    ),  # pixel value 0, 1, 2 of the label maps; 255: unknown
    palette=[(0, 0, 0), (220, 60, 60), (60, 180, 75)],  # RGB, for the pictures
)
image_size = 256  # side, or (height, width); padded to multiples of 128

num_classes = len(metainfo['classes'])
model = dict(
    data_preprocessor=dict(num_classes=num_classes),
    generator=dict(
        map_side=256,
        segmentor=dict(decode_head=dict(num_classes=num_classes)),
    ),
)
custom_hooks = [*_base_.feedback_hooks, *_base_.custom_hooks]
load_from = _base_.initial_checkpoint

images = dict(data_root=data_root, image_size=image_size, metainfo=metainfo)
# Without unlabeled images: unlabeled_prefix=[] below, and here
# batch_sampler=dict(ratio=(1, 0)) beside dataset.
train_dataloader = dict(
    dataset=dict(
        labeled_ratio=1,  # or '1/8', or labeled_list='labeled.txt' with one stem per line
        unlabeled_prefix=['images/unlabeled'],  # folders of images without label maps
        **images,
    ),
)
val_dataloader = dict(dataset=images)
test_dataloader = val_dataloader
