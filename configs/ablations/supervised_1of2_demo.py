# Supervised only, 1/2 of the label maps: the other images are left out.
_base_ = ['supervised_1of1_demo.py']

train_dataloader = dict(dataset=dict(labeled_ratio='1/2'))
