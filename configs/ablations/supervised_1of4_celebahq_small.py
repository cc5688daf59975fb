# Supervised only, 1/4 of the label maps: the other images are left out.
_base_ = ['supervised_1of1_celebahq_small.py']

train_dataloader = dict(dataset=dict(labeled_ratio='1/4'))
