from __future__ import annotations

from pathlib import Path
from unittest import mock

import cv2
import numpy as np
import pytest

from fbinpaint_mm.datasets.transforms import HoleFromFolder, hole_from_folder
from fbinpaint_mm.user_error import UserError


def _mask(rows: int, white: int = 255) -> np.ndarray:
    mask = np.zeros((10, 10), np.uint8)
    mask[:rows] = white
    return mask


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for index, rows in enumerate((1, 2, 3)):
        cv2.imwrite(str(tmp_path / f'image_{index}.png'), _mask(rows))
    return tmp_path


def _sample(**keys: object) -> dict:
    return dict(gt=np.zeros((20, 30, 3), np.uint8), **keys)


def test_white_is_the_hole_and_is_resized_to_the_image(folder: Path) -> None:
    mask = HoleFromFolder(folder, pairing='index')(_sample(sample_idx=1))['mask']

    assert mask.shape == (20, 30, 1)
    assert mask.dtype == np.uint8
    assert (mask[:4] == 1).all()
    assert (mask[4:] == 0).all()


def test_black_can_be_the_hole(folder: Path) -> None:
    hole = HoleFromFolder(folder, pairing='index', hole_value='black', max_mean_area=0.9)

    mask = hole(_sample(sample_idx=1))['mask']

    assert (mask[:4] == 0).all()
    assert (mask[4:] == 1).all()


def test_index_pairing_starts_over(folder: Path) -> None:
    hole = HoleFromFolder(folder, pairing='index')

    areas = [hole(_sample(sample_idx=index))['mask'].mean() for index in range(4)]

    assert areas == pytest.approx([0.1, 0.2, 0.3, 0.1])


def test_stem_pairing(folder: Path) -> None:
    hole = HoleFromFolder(folder, pairing='stem')

    mask = hole(_sample(gt_path='elsewhere/image_2.jpg'))['mask']

    assert mask.mean() == pytest.approx(0.3)
    with pytest.raises(FileNotFoundError, match=r'no mask named image_9\.\* for the image'):
        hole(_sample(gt_path='image_9.jpg'))


@pytest.mark.parametrize('pairing', ['index', 'stem'])
def test_further_holes_of_an_image_are_other_masks(folder: Path, pairing: str) -> None:
    cv2.imwrite(str(folder / 'image_2_hole1.png'), _mask(5))
    hole = HoleFromFolder(folder, pairing=pairing)

    found = [
        hole(_sample(gt_path='x/image_2.jpg', sample_idx=2, hole_index=k))['mask'].mean()
        for k in range(2)
    ]

    assert found == pytest.approx([0.3, 0.5])


def test_stem_pairing_goes_by_subfolder(tmp_path: Path) -> None:
    for city, rows in (('aachen', 1), ('bonn', 2)):
        (tmp_path / city).mkdir()
        cv2.imwrite(str(tmp_path / city / '0001.png'), _mask(rows))
    hole = HoleFromFolder(tmp_path, pairing='stem')

    masks = {
        city: hole(_sample(gt_path=f'/data/{city}/0001.jpg'))['mask'].mean()
        for city in ('aachen', 'bonn')
    }

    assert masks == pytest.approx(dict(aachen=0.1, bonn=0.2))
    with pytest.raises(FileNotFoundError, match=r'ulm/0001\.jpg; .*aachen/0001\.png is in another'):
        hole(_sample(gt_path='/data/ulm/0001.jpg'))


def test_a_nearer_folder_is_preferred(tmp_path: Path) -> None:
    (tmp_path / 'bonn').mkdir()
    for name, rows in (('0001', 1), ('bonn/0001', 2)):
        cv2.imwrite(str(tmp_path / f'{name}.png'), _mask(rows))
    hole = HoleFromFolder(tmp_path, pairing='stem')

    assert hole(_sample(gt_path='x/bonn/0001.jpg'))['mask'].mean() == pytest.approx(0.2)
    assert hole(_sample(gt_path='x/ulm/0001.jpg'))['mask'].mean() == pytest.approx(0.1)


def test_two_masks_of_one_stem_are_refused(tmp_path: Path) -> None:
    for suffix in ('.png', '.bmp'):
        cv2.imwrite(str(tmp_path / f'0001{suffix}'), _mask(2))

    with pytest.raises(UserError, match=r'0001\.bmp and .*0001\.png share one stem; remove one'):
        HoleFromFolder(tmp_path, pairing='stem')
    assert HoleFromFolder(tmp_path)(_sample())['mask'].any()


def test_hidden_files_are_no_masks_and_links_may_form_a_circle(folder: Path) -> None:
    (folder / '._image_0.png').write_bytes(b'\x00\x05\x16\x07')
    (folder / '.ipynb_checkpoints').mkdir()
    (folder / '.ipynb_checkpoints/image_0-checkpoint.png').touch()
    for name in ('a', 'b'):
        (folder / name).symlink_to(folder)

    assert [path.name for path in HoleFromFolder(folder).paths] == [
        f'image_{index}.png' for index in range(3)
    ]


def test_random_pairing_uses_every_mask(folder: Path) -> None:
    np.random.seed(0)
    hole = HoleFromFolder(folder)

    areas = {round(float(hole(_sample())['mask'].mean()), 2) for _ in range(30)}

    assert areas == {0.1, 0.2, 0.3}


def test_masks_of_zeros_and_ones(tmp_path: Path) -> None:
    cv2.imwrite(str(tmp_path / 'a.png'), _mask(4, white=1))

    mask = HoleFromFolder(tmp_path)(_sample())['mask']

    assert mask.mean() == pytest.approx(0.4)


def test_gray_masks_are_cut_at_127_with_one_warning(tmp_path: Path) -> None:
    for name, white in (('a', 128), ('b', 250)):
        mask = _mask(4, white=white)
        mask[9] = 127
        cv2.imwrite(str(tmp_path / f'{name}.png'), mask)

    with mock.patch.object(hole_from_folder, 'print_log') as log:
        hole = HoleFromFolder(tmp_path, pairing='index')
        masks = [hole(_sample(sample_idx=index))['mask'] for index in range(2)]

    warnings = [call.args[0] for call in log.call_args_list if 'not binary' in call.args[0]]
    assert len(warnings) == 1
    assert 'a.png' in warnings[0]
    assert [mask.mean() for mask in masks] == pytest.approx([0.4, 0.4])


def test_log_states_the_polarity(folder: Path) -> None:
    with mock.patch.object(hole_from_folder, 'print_log') as log:
        HoleFromFolder(folder)

    (message,) = (call.args[0] for call in log.call_args_list)
    assert '3 masks' in message
    assert 'white = hole, mean hole area 20%' in message


def test_inverted_polarity_is_refused_with_the_remedy(folder: Path) -> None:
    with pytest.raises(
        UserError, match=r"black = hole, mean hole area 80%.*Set hole_value='white'"
    ):
        HoleFromFolder(folder, hole_value='black')


def test_missing_folder(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match='none does not exist'):
        HoleFromFolder(tmp_path / 'none')


def test_folder_without_images(tmp_path: Path) -> None:
    (tmp_path / 'notes.txt').write_text('no mask here')

    with pytest.raises(FileNotFoundError, match=r'holds no image; expected files ending in \.png'):
        HoleFromFolder(tmp_path)


def test_folder_without_a_usable_mask(tmp_path: Path) -> None:
    cv2.imwrite(str(tmp_path / 'no_hole.png'), _mask(0))
    (tmp_path / 'broken.png').write_bytes(b'not an image')
    (tmp_path / 'empty.png').touch()

    with pytest.raises(UserError, match=r'no usable mask: each of the 3 files .*broken\.png'):
        HoleFromFolder(tmp_path)


def test_unusable_mask_is_named_when_its_turn_comes(folder: Path) -> None:
    cv2.imwrite(str(folder / 'image_3.png'), _mask(0))
    hole = HoleFromFolder(folder, pairing='index')

    with pytest.raises(UserError, match=r'image_3\.png cannot be used: it is all black'):
        hole(_sample(sample_idx=3))
    (folder / 'image_3.png').write_bytes(b'%!PS-Adobe-3.0 EPSF-3.0')
    with pytest.raises(UserError, match=r"mask: '.*image_3\.png' is no image of a known format"):
        hole(_sample(sample_idx=3))


def test_unknown_options_are_refused(folder: Path) -> None:
    with pytest.raises(UserError, match="pairing is 'name'"):
        HoleFromFolder(folder, pairing='name')
    with pytest.raises(UserError, match="hole_value is '255'"):
        HoleFromFolder(folder, hole_value='255')
