from __future__ import annotations

import csv
from types import SimpleNamespace

import numpy as np
import pytest
import torch

from fbinpaint_mm.cli.export_holes import export_config_holes, export_holes
from fbinpaint_mm.datasets.transforms import FixedHole, HoleFromFolder
from fbinpaint_mm.user_error import UserError


def test_holes_come_back_through_hole_from_folder(repository, tmp_path, capsys):
    config = str(repository / 'configs/_base_/datasets/procedural_scenes.py')
    options = {'val_dataloader.dataset.num_scenes': 3}
    export_config_holes(config, 'val', tmp_path, options)

    assert '3 holes written' in capsys.readouterr().out
    with (tmp_path / 'holes.csv').open() as file:
        rows = list(csv.DictReader(file))
    assert [row['sample_idx'] for row in rows] == ['0', '1', '2']
    read = HoleFromFolder(tmp_path, pairing='stem')
    for index, row in enumerate(rows):
        expected = FixedHole(seed=0).hole(index, 64, 64)
        mask = read(dict(gt=np.zeros((64, 64, 3), np.uint8), gt_path=row['image']))['mask']
        assert np.array_equal(mask, expected)
        assert float(row['area']) == pytest.approx(expected.mean(), abs=1e-6)


def test_equal_stems_are_refused(tmp_path):
    hole = dict(sample_idx=0, hole_area=0.5, mask=torch.ones(1, 2, 2, dtype=torch.uint8))
    dataset = [
        dict(data_samples=SimpleNamespace(gt_path=path, **hole))
        for path in ('a/one.jpg', 'b/one.jpg')
    ]
    with pytest.raises(UserError, match=r'b/one\.jpg and a/one\.jpg have the same stem'):
        export_holes(dataset, tmp_path)


@pytest.mark.parametrize(
    ('options', 'message'),
    [
        ({'val_dataloader.dataset.sceens': 3}, r'^val_dataloader\.dataset\.sceens: nothing takes'),
        ({'val_dataloader': None}, r"procedural_scenes\.py' has no val_dataloader$"),
    ],
)
def test_a_mistake_in_the_config_is_told(repository, tmp_path, options, message):
    config = str(repository / 'configs/_base_/datasets/procedural_scenes.py')
    with pytest.raises(UserError, match=message):
        export_config_holes(config, 'val', tmp_path / 'new', options)
    assert not (tmp_path / 'new').exists()
