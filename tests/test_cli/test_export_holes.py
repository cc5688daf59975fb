from __future__ import annotations

import csv
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch
from mmagic.structures import DataSample

from fbinpaint_mm.benchmark.pairs import pixel_hash, truth_of
from fbinpaint_mm.benchmark.result_folder import check_holes
from fbinpaint_mm.cli.export_holes import export_config_holes, export_holes
from fbinpaint_mm.datasets.transforms import FixedHole, HoleFromFolder
from fbinpaint_mm.user_error import UserError


@pytest.fixture
def out(tmp_path):
    return tmp_path / 'holes'


def test_holes_come_back_through_hole_from_folder(repository, out, capsys):
    config = str(repository / 'configs/_base_/datasets/procedural_scenes.py')
    dataset = 'val_dataloader.dataset'
    options = {f'{dataset}.num_scenes': 3, f'{dataset}.holes_per_image': 2}
    export_config_holes(config, 'val', out, options)

    assert f'6 holes written to {out}, the masked images to {out}_inputs' in capsys.readouterr().out
    with (out / 'holes.csv').open() as file:
        rows = list(csv.DictReader(file))
    assert [row['sample_idx'] for row in rows] == ['0', '0', '1', '1', '2', '2']
    assert [row['hole'][-10:] for row in rows[2:4]] == ['000001.png', '_hole1.png']
    read, gt = HoleFromFolder(out, pairing='stem'), np.zeros((64, 64, 3), np.uint8)
    for number, row in enumerate(rows):
        index, hole = divmod(number, 2)
        expected = FixedHole(seed=0).hole(index, 64, 64, hole)
        mask = read(dict(gt=gt, gt_path=row['image'], hole_index=hole))['mask']
        assert np.array_equal(mask, expected)
        assert float(row['area']) == pytest.approx(expected.mean(), abs=1e-6)


def dataset_of(*paths, **changes):
    image = torch.arange(24, dtype=torch.uint8).reshape(3, 2, 4)
    fields = dict(gt_img=image, mask=torch.tensor([[[0, 1, 0, 0], [0, 0, 0, 1]]]))
    metainfo = dict(sample_idx=0, hole_area=0.25, **changes)
    return [
        dict(data_samples=DataSample(**fields, metainfo=dict(metainfo, gt_path=path)))
        for path in paths
    ]


@pytest.mark.parametrize('order', ['BGR', 'RGB'])
def test_masked_images_have_the_names_of_their_holes(out, order):
    assert export_holes(dataset_of('a/one.jpg', gt_channel_order=order), out) == 1
    hole = cv2.imread(str(out / 'one.png'), cv2.IMREAD_UNCHANGED)
    assert hole.tolist() == [[0, 255, 0, 0], [0, 0, 0, 255]]
    image = cv2.imread(str(out.with_name('holes_inputs') / 'one.png'))
    assert image[hole == 255].tolist() == [[128] * 3] * 2
    first = [0, 8, 16] if order == 'BGR' else [16, 8, 0]
    assert image[0, 0].tolist() == first


def test_the_working_directory_takes_holes_too(tmp_path, monkeypatch):
    folder = tmp_path / 'here'
    folder.mkdir()
    monkeypatch.chdir(folder)
    export_holes(dataset_of('one.jpg'), Path())
    assert (folder / 'one.png').is_file()
    assert (tmp_path / 'here_inputs/one.png').is_file()


def test_equal_stems_are_refused(out):
    with pytest.raises(UserError, match=r'b/one\.jpg and a/one\.jpg have the same stem'):
        export_holes(dataset_of('a/one.jpg', 'b/one.jpg'), out)


def test_pictures_of_others_are_not_replaced(out):
    out.mkdir()
    (out / 'photo.png').write_bytes(b'mine')
    with pytest.raises(UserError, match=r'holes has pictures that no export made, such as photo'):
        export_holes(dataset_of('a/photo.jpg'), out)
    assert [path.name for path in out.iterdir()] == ['photo.png']
    (out / 'photo.png').unlink()
    for _ in range(2):
        assert export_holes(dataset_of('a/photo.jpg'), out) == 1


@pytest.mark.parametrize('folder', ['holes', 'holes_inputs'])
def test_pictures_that_differ_from_those_of_an_earlier_export_stay(out, tmp_path, folder):
    export_holes(dataset_of('a/one.jpg'), out)
    picture = tmp_path / folder / 'one.png'
    picture.write_bytes(b'made of it')
    with pytest.raises(UserError, match=f'{folder}/one.png: found another picture'):
        export_holes(dataset_of('a/one.jpg'), out)
    assert picture.read_bytes() == b'made of it'


def test_a_list_of_others_stays(out):
    out.mkdir()
    (out / 'holes.csv').write_text('golf,18')
    with pytest.raises(UserError, match=r'holes\.csv: no export made this file'):
        export_holes(dataset_of('a/one.jpg'), out)
    assert [path.read_text() for path in out.iterdir()] == ['golf,18']


@pytest.mark.parametrize('image', ['holes/one.jpg', 'holes_inputs/one.jpg'])
def test_the_folder_of_the_images_takes_no_holes(out, tmp_path, image):
    (tmp_path / image).parent.mkdir()
    (tmp_path / image).touch()
    with pytest.raises(UserError, match=f'{Path(image).parent} is the folder of '):
        export_holes(dataset_of(str(tmp_path / image)), out)
    assert not (tmp_path / image).with_suffix('.png').exists()


def test_the_list_tells_the_results_of_other_holes(out, tmp_path):
    (sample,) = dataset_of('a/one.jpg')
    export_holes([sample], out)
    hashes = {'a/one.jpg': pixel_hash(truth_of(sample['data_samples']))}
    assert check_holes(out, hashes)
    assert not check_holes(tmp_path, hashes)
    sample['data_samples'].mask[0, 0, 0] = 1
    others = {'a/one.jpg': pixel_hash(truth_of(sample['data_samples']))}
    with pytest.raises(UserError, match=r'holes\.csv: 1 of 1 images, or their holes'):
        check_holes(out, others)
    with pytest.raises(UserError, match=r'1 of 2 images.*\(b/two\.jpg\)'):
        check_holes(out, {**hashes, 'b/two.jpg': 'abc'})


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
