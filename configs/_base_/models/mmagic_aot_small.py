# The same without VGG16: it would be a download, and our small configs do without it too.
_base_ = ['./mmagic_aot_64px.py']

model = dict(loss_composed_percep=None, loss_out_percep=False)
