import mmap
import os
from types import SimpleNamespace

import numpy as np
import pytest
from mmagic.registry import DATASETS
from mmengine.registry import init_default_scope
from PIL import Image

from fbinpaint_mm.benchmark.speed import loading_speed
from fbinpaint_mm.benchmark.speed.loading_speed import (
    HEADERS,
    link_data,
    loading_cost,
    private_memory,
    run_loading,
)
from fbinpaint_mm.user_error import UserError


@pytest.fixture
def cfg(cfg, tmp_path):
    """Its training reads three images of a folder, one of them labeled."""
    root = tmp_path / 'given'
    for folder, shape in (('images', (8, 8, 3)), ('labels', (8, 8)), ('others', (8, 8, 3))):
        (root / folder).mkdir(parents=True)
        for stem in 'abc':
            Image.fromarray(np.zeros(shape, np.uint8)).save(root / folder / f'{stem}.png')
    pipeline = [
        *(dict(type='LoadWholeImage', key='gt'), dict(type='LoadSemanticMap')),
        *(dict(type='FixedHole'), dict(type='GetMaskedImage'), dict(type='PackSemanticInputs')),
    ]
    cfg.train_dataloader.dataset = dict(
        type='SemanticInpaintingDataset',
        data_root=str(root),
        data_prefix=dict(img_path='images', seg_map_path='labels'),
        labeled_ratio='1/3',
        unlabeled_prefix=['others'],
        metainfo=dict(classes=('sky',), palette=[[0, 0, 0]]),
        pipeline=pipeline,
    )
    init_default_scope('mmagic')
    return cfg


@pytest.fixture
def linked(cfg, tmp_path):
    folder = tmp_path / 'linked'
    folder.mkdir()
    return link_data(cfg, 7, folder)


def test_a_data_set_of_links_has_as_many_images_as_wanted(linked, tmp_path):
    names = sorted(os.listdir(tmp_path / 'linked/images'))
    assert names == [f'{index:06d}.png' for index in range(7)]
    assert names == sorted(os.listdir(tmp_path / 'linked/annotations'))
    target = os.readlink(tmp_path / 'linked/images/000004.png')
    assert target == str(tmp_path / 'given/images/b.png')
    dataset = DATASETS.build(linked.train_dataloader.dataset)
    assert len(dataset.labeled_indices) == 2, 'a third of 7'
    assert len(dataset) == 7 + 3, 'three more are in a folder of unlabeled images'


def test_data_without_folders_are_refused(cfg, tmp_path):
    cfg.train_dataloader.dataset = dict(type='ProceduralScenesDataset')
    with pytest.raises(UserError, match='is a ProceduralScenesDataset, expected one that reads'):
        link_data(cfg, 7, tmp_path)


def test_loading_is_measured(linked):
    cost = loading_cost(linked.to_dict(), 0, 0.05)
    assert len(cost) == len(HEADERS)
    assert cost[0] == '0'
    assert cost[3] == '-', 'there is no worker'
    assert float(cost[-1]) > 0


def test_a_training_step_consumes_a_batch(cfg, tmp_path, monkeypatch, capsys):
    def call(function, settings, second, *_, **__):
        assert os.listdir(settings['train_dataloader']['dataset']['data_prefix']['img_path'])
        if function is loading_cost:
            return (str(second), *'abcde')
        return dict(training_seconds_per_iteration=0.5, conditions=dict(threads=2))

    monkeypatch.setattr(loading_speed, 'call_in_process', call)
    monkeypatch.setattr(loading_speed, 'read_config', lambda *_: cfg)
    args = dict(config='a.py', cfg_options={}, loader=5, workers=[0, 2], limit=1.0, device='cpu')
    run_loading(SimpleNamespace(**args, out=tmp_path / 'out'))
    report = capsys.readouterr().out
    assert 'consumes 4.00 samples/s with 2 threads' in report
    assert report.count('samples/s') == 2
    assert (tmp_path / 'out/loading.md').read_text() == report


def test_memory_of_a_process_is_its_own():
    before = private_memory(os.getpid())
    # Pages of its own: an allocator would hand out some that the process has already.
    held = np.frombuffer(mmap.mmap(-1, 2**26, flags=mmap.MAP_PRIVATE), np.uint8)
    held[:] = 1
    assert private_memory(os.getpid()) - before in (0, pytest.approx(held.nbytes, rel=0.3))
    assert private_memory(None) == 0
