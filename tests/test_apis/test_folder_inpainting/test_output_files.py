from pathlib import Path

import numpy as np
import pytest

from fbinpaint_mm.apis.folder_inpainting import Job, OutputFiles
from fbinpaint_mm.apis.folder_inpainting.output_files import draw_side_by_side
from tests.test_apis.test_folder_inpainting.fake_inpainter import FakeInpainter

HOLE = np.zeros((96, 128), bool)
HOLE[24:72, 32:96] = True


def test_a_picture_s_files_are_named_after_it_and_the_result_comes_last():
    job = Job(Path('in/a.jpg'), 'x/a.jpg')
    assert OutputFiles().names(job) == ['x/a.jpg']
    assert OutputFiles(masks=True, maps=True, rounds=True, side_by_side=True).names(job) == [
        'masks/x/a.png',
        'maps/x/a.png',
        'rounds/x/a_round0.jpg',
        'side_by_side/x/a.png',
        'x/a.jpg',
    ]


@pytest.mark.parametrize('hole', [HOLE, np.zeros_like(HOLE), np.ones_like(HOLE)])
@pytest.mark.parametrize('shape', [(96, 128), (96, 128, 2), (96, 128, 3), (96, 128, 4)])
@pytest.mark.parametrize('dtype', [np.uint8, np.uint16])
def test_input_rounds_maps_and_confidence_stand_side_by_side(hole, shape, dtype):
    fake = FakeInpainter()
    pixels = np.full(shape, 7 * (257 if dtype == np.uint16 else 1), dtype)
    rounds = fake.inpaint(pixels, hole, 1, return_rounds=True).rounds
    sheet = np.asarray(draw_side_by_side(pixels, hole, rounds, fake.palette))
    assert sheet.shape == (3 * 288, 3 * 384, 3)
    cells = sheet.reshape(3, 288, 3, 384, 3).swapaxes(1, 2)
    middle, corner = cells[:, :, 144, 192], cells[:, :, 3, 3]
    is_hole, is_edge_hole = hole[48, 64], hole[1, 1]
    assert middle[0].tolist() == [[v] * 3 for v in ([7, 50, 70] if is_hole else [7, 7, 7])]
    assert corner[0].tolist() == [[v] * 3 for v in ([7, 50, 70] if is_edge_hole else [7, 7, 7])]
    assert middle[1].tolist() == [[0] * 3, [0] * 3, fake.palette[int(is_hole)]]
    assert middle[2].tolist() == [[255 * is_hole] * 3, *[[127 if is_hole else 255] * 3] * 2]
