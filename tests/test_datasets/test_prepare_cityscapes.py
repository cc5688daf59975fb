import numpy as np
import pytest
from PIL import Image

from fbinpaint_mm.datasets import CityscapesInpaintingDataset
from fbinpaint_mm.datasets.prepare_cityscapes import prepare_cityscapes, to_train_ids
from fbinpaint_mm.user_error import UserError

# Trainable classes of cityscapesScripts/helpers/labels.py by name: (id, trainId).
TABLE = dict(
    road=(7, 0),
    sidewalk=(8, 1),
    building=(11, 2),
    wall=(12, 3),
    fence=(13, 4),
    pole=(17, 5),
    traffic_light=(19, 6),
    traffic_sign=(20, 7),
    vegetation=(21, 8),
    terrain=(22, 9),
    sky=(23, 10),
    person=(24, 11),
    rider=(25, 12),
    car=(26, 13),
    truck=(27, 14),
    bus=(28, 15),
    train=(31, 16),
    motorcycle=(32, 17),
    bicycle=(33, 18),
)


@pytest.fixture
def download(tmp_path):
    for split in ('train', 'val', 'test'):
        images = tmp_path / f'leftImg8bit/{split}/ulm'
        labels = tmp_path / f'gtFine/{split}/ulm'
        images.mkdir(parents=True)
        labels.mkdir(parents=True)
        for i in range(2):
            stem = f'ulm_{i:06d}_000019'
            Image.new('RGB', (34, 2)).save(images / f'{stem}_leftImg8bit.png')
            label = np.tile(np.arange(34, dtype=np.uint8), (2, 1))
            Image.fromarray(label).save(labels / f'{stem}_gtFine_labelIds.png')
    return tmp_path


def train_file(download, split='train', index=0):
    return download / f'gtFine/{split}/ulm/ulm_{index:06d}_000019_gtFine_labelTrainIds.png'


def test_every_id():
    expected = np.full(34, 255)
    for label_id, train_id in TABLE.values():
        expected[label_id] = train_id
    converted = to_train_ids(np.arange(34, dtype=np.uint8)[None])
    np.testing.assert_array_equal(converted[0], expected)
    assert converted.dtype == np.uint8


def test_train_and_val_are_written_once(download):
    assert prepare_cityscapes(download) == 4
    assert prepare_cityscapes(download) == 0
    train_file(download, 'val', 1).unlink()
    assert prepare_cityscapes(download, num_workers=2) == 1
    assert not list(download.glob('gtFine/test/*/*TrainIds.png'))
    assert not list(download.rglob('*.part'))


def test_the_dataset_reads_what_is_written(download):
    prepare_cityscapes(download)
    dataset = CityscapesInpaintingDataset(
        data_root=str(download),
        data_prefix=dict(img_path='leftImg8bit/train', seg_map_path='gtFine/train'),
        unlabeled_prefix='leftImg8bit/test',
        check='full',
    )
    assert (dataset.labeled_indices, dataset.unlabeled_indices) == ([0, 1], [2, 3])


def test_present_train_ids_need_no_label_ids(download):
    prepare_cityscapes(download)
    for path in download.rglob('*_labelIds.png'):
        path.unlink()
    assert prepare_cityscapes(download) == 0


def test_incomplete_download(download, tmp_path):
    (download / 'gtFine/val/ulm/ulm_000001_000019_gtFine_labelIds.png').unlink()
    with pytest.raises(FileNotFoundError, match=r'1 of 4 images .*ulm_000001.*gtFine_trainval'):
        prepare_cityscapes(download)
    with pytest.raises(FileNotFoundError, match=r'unpack leftImg8bit_trainvaltest\.zip'):
        prepare_cityscapes(tmp_path / 'elsewhere')


def test_bad_label_files_are_named(download):
    path = download / 'gtFine/train/ulm/ulm_000000_000019_gtFine_labelIds.png'
    Image.fromarray(np.full((2, 34), 40, np.uint8)).save(path)
    with pytest.raises(UserError, match=r'ulm_000000_000019.*holds 40.*0 to 33'):
        prepare_cityscapes(download)
    path.write_text('broken')
    with pytest.raises(UserError, match=r'cannot read .*ulm_000000_000019'):
        prepare_cityscapes(download)


@pytest.mark.parametrize('kept', [0, 0.8])
def test_damaged_train_ids_are_made_again(download, kept):
    prepare_cityscapes(download)
    content = train_file(download).read_bytes()
    train_file(download).write_bytes(content[: int(kept * len(content))])
    assert prepare_cityscapes(download) == 1
    assert train_file(download).read_bytes() == content


def test_damaged_train_ids_without_label_ids_are_named(download):
    prepare_cityscapes(download)
    train_file(download).write_bytes(b'')
    for path in download.rglob('*_labelIds.png'):
        path.unlink()
    with pytest.raises(UserError, match=r'cannot read .*ulm_000000_000019_gtFine_labelTrainIds'):
        prepare_cityscapes(download)


def test_train_ids_of_another_size_are_made_again(download):
    prepare_cityscapes(download)
    Image.new('L', (17, 1)).save(train_file(download))
    assert prepare_cityscapes(download) == 1
    assert Image.open(train_file(download)).size == (34, 2)


def test_hidden_files_are_no_images(download):
    folder = download / 'leftImg8bit/train/ulm'
    (folder / '._ulm_000000_000019_leftImg8bit.png').write_bytes(b'\x00\x05\x16\x07')
    assert prepare_cityscapes(download) == 4
