# As camvid_small.py, for a segmentor that may have learned from the labeled images already: three
# unlabeled ones in every batch to one of them.
_base_ = ['./camvid_small.py']

train_dataloader = dict(batch_sampler=dict(ratio=(1, 3)))
