# How a training pipeline ends, instead of pack, for a model with a local discriminator: our holes
# are no boxes, and it wants one.
hole_box = dict(type='HoleBoundingBox', size=None)  # local_size, set by the model
pack_hole_box = dict(type='PackSemanticInputs', meta_keys=['mask_bbox'])
