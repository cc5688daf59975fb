import numpy as np
import pytest
from PIL import Image

from fbinpaint_mm.datasets import CelebAMaskHQInpaintingDataset
from fbinpaint_mm.datasets.prepare_celebamask_hq import merge_parts, prepare_celebamask_hq
from fbinpaint_mm.user_error import UserError


@pytest.fixture
def download(tmp_path):
    """Six faces of 32x32 with 16x16 masks; face i has skin in the left i + 1 columns."""
    root = tmp_path / 'CelebAMask-HQ'
    masks = root / 'CelebAMask-HQ-mask-anno/0'
    masks.mkdir(parents=True)
    (root / 'CelebA-HQ-img').mkdir()
    for i in range(6):
        Image.new('RGB', (32, 32), (40 * i, 0, 0)).save(root / f'CelebA-HQ-img/{i}.jpg')
        skin = np.zeros((16, 16, 3), np.uint8)
        skin[:, : i + 1] = 255
        Image.fromarray(skin).save(masks / f'{i:05d}_skin.png')
    return root


def paint(download, index, part, rows):
    mask = np.zeros((16, 16), np.uint8)
    mask[rows] = 255
    Image.fromarray(mask).save(download / f'CelebAMask-HQ-mask-anno/0/{index:05d}_{part}.png')


def test_later_parts_are_painted_over_earlier_ones(download):
    paint(download, 0, 'hair', slice(0, 4))
    paint(download, 0, 'nose', slice(2, 8))
    label = np.asarray(merge_parts(download, 0))
    assert (label[:4] == 13).all()  # hair comes after nose
    assert (label[4:8] == 2).all()
    assert (label[8:, 0] == 1).all()
    assert (label[8:, 1:] == 0).all()


def test_layout_size_and_split(download, tmp_path):
    out = tmp_path / 'out'
    assert prepare_celebamask_hq(download, out, size=8, num_images=6, num_val=2) == 6
    files = sorted(str(p.relative_to(out)) for p in out.rglob('*.*'))
    assert files == sorted(
        f'{kind}/{split}/{i:05d}.{end}'
        for kind, end in (('images', 'jpg'), ('annotations', 'png'))
        for split, faces in (('train', range(4)), ('val', range(4, 6)))
        for i in faces
    )
    label = np.asarray(Image.open(out / 'annotations/val/00005.png'))
    assert label.shape == (8, 8)
    assert (label[:, :3] == 1).all()
    assert (label[:, 3:] == 0).all()
    red = np.asarray(Image.open(out / 'images/train/00003.jpg'))
    assert red.shape == (8, 8, 3)
    assert red.mean(axis=(0, 1)) == pytest.approx((120, 0, 0), abs=3)


def test_the_dataset_reads_what_is_written(download, tmp_path):
    prepare_celebamask_hq(download.parent, tmp_path / 'out', size=8, num_images=6, num_val=2)
    dataset = CelebAMaskHQInpaintingDataset(
        data_root=str(tmp_path / 'out'),
        data_prefix=dict(img_path='images/train', seg_map_path='annotations/train'),
        check='full',
    )
    assert len(dataset.labeled_indices) == 4


def test_finished_files_are_skipped_and_missing_ones_made(download, tmp_path):
    out = tmp_path / 'out'
    prepare_celebamask_hq(download, out, size=8, num_images=6, num_val=2)
    (out / 'annotations/train/00002.png').unlink()
    kept = out / 'images/train/00001.jpg'
    before = kept.stat().st_mtime_ns
    assert prepare_celebamask_hq(download, out, size=8, num_images=6, num_val=2) == 1
    assert (out / 'annotations/train/00002.png').is_file()
    assert kept.stat().st_mtime_ns == before


def test_several_processes(download, tmp_path):
    single, double = tmp_path / 'single', tmp_path / 'double'
    for out, workers in ((single, 1), (double, 2)):
        prepare_celebamask_hq(download, out, size=8, num_images=6, num_val=2, num_workers=workers)
    for path in single.rglob('*.*'):
        assert path.read_bytes() == (double / path.relative_to(single)).read_bytes()


def test_incomplete_download(download, tmp_path):
    with pytest.raises(FileNotFoundError, match='holds no CelebA-HQ-img'):
        prepare_celebamask_hq(tmp_path / 'out', tmp_path / 'out')
    with pytest.raises(FileNotFoundError, match=r'2 of 8 images are missing, .*6\.jpg'):
        prepare_celebamask_hq(download, tmp_path / 'out', num_images=8, num_val=2)
    (download / 'CelebAMask-HQ-mask-anno/0/00004_skin.png').unlink()
    with pytest.raises(FileNotFoundError, match=r'face 4 has no part mask.*00004_skin\.png'):
        prepare_celebamask_hq(download, tmp_path / 'out', size=8, num_images=6, num_val=2)


def test_broken_files_are_named(download, tmp_path):
    path = download / 'CelebA-HQ-img/3.jpg'
    path.write_bytes(path.read_bytes()[:200])
    with pytest.raises(UserError, match=r'cannot read .*3\.jpg.*replace the file'):
        prepare_celebamask_hq(download, tmp_path / 'out', size=8, num_images=6, num_val=2)
    assert not list((tmp_path / 'out').rglob('*.part'))


def test_bad_split(download, tmp_path):
    with pytest.raises(UserError, match='num_val=6: expected more than 0 and less than 6'):
        prepare_celebamask_hq(download, tmp_path / 'out', num_images=6, num_val=6)


def test_another_size_makes_the_files_again(download, tmp_path):
    out = tmp_path / 'out'
    for size in (8, 12):
        assert prepare_celebamask_hq(download, out, size=size, num_images=6, num_val=2) == 6
    assert {Image.open(path).size for path in out.rglob('*.*')} == {(12, 12)}


@pytest.mark.parametrize('name', ['images/train/00001.jpg', 'annotations/val/00005.png'])
@pytest.mark.parametrize('kept', [0, 0.8])
def test_damaged_files_are_not_finished(download, tmp_path, name, kept):
    out = tmp_path / 'out'
    prepare_celebamask_hq(download, out, size=8, num_images=6, num_val=2)
    content = (out / name).read_bytes()
    (out / name).write_bytes(content[: int(kept * len(content))])
    assert prepare_celebamask_hq(download, out, size=8, num_images=6, num_val=2) == 1
    assert (out / name).read_bytes() == content


@pytest.mark.parametrize(
    ('trial', 'full', 'name'),
    [
        (dict(num_images=4, num_val=2), dict(num_images=6, num_val=2), r'val/00002\.jpg'),
        (dict(num_images=6, num_val=2), dict(num_images=5, num_val=1), r'val/00005\.jpg'),
    ],
)
def test_no_face_is_in_two_splits_or_left_over(download, tmp_path, trial, full, name):
    out = tmp_path / 'out'
    prepare_celebamask_hq(download, out, size=8, **trial)
    before = sorted(out.rglob('*'))
    with pytest.raises(UserError, match=rf'{name}. is of an earlier run with another split or num'):
        prepare_celebamask_hq(download, out, size=8, **full)
    assert sorted(out.rglob('*')) == before


def write_mapping(download, images, name='CelebA-HQ-to-CelebA-mapping.txt'):
    lines = ['idx         orig_idx    orig_file']
    lines += [f'{i:<11} {image:<11} {image + 1:06d}.jpg' for i, image in enumerate(images)]
    (download / name).write_text('\n'.join(lines) + '\n')


def test_official_split_is_that_of_celeba(download, tmp_path):
    """list_eval_partition.txt: up to 162770.jpg train, up to 182637.jpg val, then test."""
    write_mapping(download, [182637, 0, 162769, 162770, 182636, 202598])
    out = tmp_path / 'out'
    assert prepare_celebamask_hq(download, out, size=8, num_images=6, split='official') == 6
    for kind in ('images', 'annotations'):
        found = {
            split: sorted(path.stem for path in (out / kind / split).iterdir())
            for split in ('train', 'val', 'test')
        }
        assert found == dict(
            train=['00001', '00002'], val=['00003', '00004'], test=['00000', '00005']
        )
    with pytest.raises(UserError, match='is of an earlier run with another split'):
        prepare_celebamask_hq(download, out, size=8, num_images=6, num_val=2)


def test_official_split_needs_its_file(download, tmp_path):
    settings = dict(output=tmp_path / 'out', size=8, num_images=6, split='official')
    with pytest.raises(FileNotFoundError, match=r'CelebA-HQ-to-CelebA-mapping\.txt'):
        prepare_celebamask_hq(download, **settings)
    write_mapping(download, range(5))
    with pytest.raises(UserError, match=r'mapping\.txt. names 5 faces; .* 0 to 5, in order'):
        prepare_celebamask_hq(download, **settings)
    with pytest.raises(UserError, match='num_val is for the split "last" only'):
        prepare_celebamask_hq(download, **settings, num_val=2)
    assert not (tmp_path / 'out').exists()


def test_bad_size(download, tmp_path):
    with pytest.raises(UserError, match='size=0: expected a side of 1 pixel or more'):
        prepare_celebamask_hq(download, tmp_path / 'out', size=0, num_images=6, num_val=2)
