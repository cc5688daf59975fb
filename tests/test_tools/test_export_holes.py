from __future__ import annotations

import csv

import numpy as np
import pytest

from fbinpaint_mm.datasets.transforms import FixedHole, HoleFromFolder


@pytest.fixture
def export(load_tool, repository):
    tool = load_tool('export_holes')
    config = str(repository / 'configs/_base_/datasets/procedural_scenes.py')

    def run(out, *options):
        argv = [config, '--split', 'val', '--out', str(out), '--cfg-options', *options]
        tool.main(argv)

    return run


def test_holes_come_back_through_hole_from_folder(export, tmp_path, capsys):
    export(tmp_path, 'val_dataloader.dataset.num_scenes=3')

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


def test_equal_stems_are_refused(load_tool, tmp_path):
    class Sample:
        def __init__(self, gt_path):
            self.gt_path, self.sample_idx, self.hole_area = gt_path, 0, 0.5
            self.mask = [FakeTensor()]

    class FakeTensor:
        def numpy(self):
            return np.ones((2, 2), np.uint8)

    dataset = [dict(data_samples=Sample(path)) for path in ('a/one.jpg', 'b/one.jpg')]
    with pytest.raises(ValueError, match=r'b/one\.jpg and a/one\.jpg have the same stem'):
        load_tool('export_holes').export_holes(dataset, tmp_path)
