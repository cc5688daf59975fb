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

    with pytest.raises(UserError, match=r'image_3\.png cannot be used'):
        hole(_sample(sample_idx=3))


def test_unknown_options_are_refused(folder: Path) -> None:
    with pytest.raises(UserError, match="pairing is 'name'"):
        HoleFromFolder(folder, pairing='name')
    with pytest.raises(UserError, match="hole_value is '255'"):
        HoleFromFolder(folder, hole_value='255')
