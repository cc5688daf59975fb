# Where weights lie that a training starts from: the file to edit, or set the environment variable
# instead (an empty one counts as unset).
# Folder with torchvision's weight files, vgg16-397923af.pth for the perceptual losses,
# alexnet-owt-7be5be79.pth for LPIPS (evaluation_lpips.py) and mobilenet_v2-b0353104.pth for our
# segmentors; by default they are downloaded.
weights_root = '{{$FBINPAINT_WEIGHTS:download}}'
# ImageNet weights of the ResNet-50 in segmentors of mix/: mmengine's model zoo, or a file.
resnet50_weights = '{{$FBINPAINT_RESNET50:open-mmlab://resnet50_v1c}}'
# MI-GAN, from which the network of the full-size configs starts: what tools/convert_migan.py made
# of the public file. By default they learn from the start.
migan_weights = '{{$FBINPAINT_MIGAN:none}}'
migan_init = dict(type='Pretrained', checkpoint=migan_weights)
migan_init = None if migan_weights == 'none' else migan_init
# Segmentor that a 64 px config starts from: a checkpoint of a config in segmentors/, of the same
# data set and share of labels; one data set at a time. By default only the backbone is pre-trained.
segmentor_checkpoint = '{{$FBINPAINT_SEGMENTOR:none}}'
segmentor_init = dict(type='Pretrained', checkpoint=segmentor_checkpoint)
segmentor_init = None if segmentor_checkpoint == 'none' else segmentor_init
# Checkpoint whose parts a config starts with, of the same data set: of inpaintors/ (64 px); at full
# size of baselines/migan_*.py for maps/, and of maps/, which then holds all but the guided network.
# There the guided network goes on from the initial one; at 64 px both are there, and the initial
# one learns no more.
initial_checkpoint = '{{$FBINPAINT_INITIAL:none}}'
initial_checkpoint = None if initial_checkpoint == 'none' else initial_checkpoint
initial_init = dict(type='Pretrained', checkpoint=initial_checkpoint, prefix='generator.initial')
initial_init = initial_init if initial_checkpoint else None
network_init = initial_init or migan_init
