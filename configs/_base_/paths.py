# Where data lie: the file to edit, or set the environment variable instead (an empty one counts as
# unset).
# Layouts: tools/prepare_celebamask_hq.py, tools/prepare_cityscapes.py.
celebamask_hq_root = '{{$FBINPAINT_CELEBAMASK_HQ:data/celebamask_hq}}'
cityscapes_root = '{{$FBINPAINT_CITYSCAPES:data/cityscapes}}'
camvid_root = '{{$FBINPAINT_CAMVID:data/camvid}}'
