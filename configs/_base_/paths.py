# Where data and weights lie: the one file to edit, or set the environment variable instead.
# Layouts: tools/prepare_celebamask_hq.py, tools/prepare_cityscapes.py.
celebamask_hq_root = '{{$FBINPAINT_CELEBAMASK_HQ:data/celebamask_hq}}'
cityscapes_root = '{{$FBINPAINT_CITYSCAPES:data/cityscapes}}'
camvid_root = '{{$FBINPAINT_CAMVID:data/camvid}}'
# Folder with torchvision's weight files, such as vgg16-397923af.pth; what is not there is downloaded.
weights_root = '{{$FBINPAINT_WEIGHTS:data/weights}}'
