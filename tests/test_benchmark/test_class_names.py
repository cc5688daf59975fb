import torch
from mmengine.config import Config

from fbinpaint_mm.benchmark.class_names import class_names
from fbinpaint_mm.benchmark.entry import Entry


def test_a_checkpoint_knows_what_it_was_trained_on(cfg, tmp_path):
    path = tmp_path / 'iter_1.pth'
    torch.save(dict(state_dict={}, meta=dict(dataset_meta=dict(classes=('skin', 'hair')))), path)
    assert class_names(Entry('small', 'small.py', str(path), cfg)) == ('skin', 'hair')
    torch.save(dict(state_dict={}, meta=dict(iter=1)), path)
    assert class_names(Entry('small', 'small.py', str(path), cfg))[:2] == ('sky', 'mountain')
    torch.save(dict(weight=torch.ones(1)), path)
    assert len(class_names(Entry('small', 'small.py', str(path), cfg))) == 10


def test_the_config_names_the_classes_of_what_is_to_be_trained(cfg):
    assert len(class_names(Entry('small', 'small.py', cfg=cfg))) == 10
    assert class_names(Entry('telea', 'telea', cfg=Config(dict(model={})))) == ()
