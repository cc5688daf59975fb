import numpy as np
import pytest

from fbinpaint_mm.apis.folder_inpainting import Job, MaskFromFile
from fbinpaint_mm.apis.picture import Picture


def test_white_is_the_hole_and_the_content_of_the_file_counts(save_image, tmp_path):
    white = np.array([[0, 127, 128, 255]], np.uint8)
    job = Job(tmp_path / 'a.png', 'a.png', save_image('m.png', white))
    source, picture = MaskFromFile(), Picture(np.zeros((1, 4), np.uint8))
    assert source.hole(job, picture).tolist() == [[False, False, True, True]]
    before = source.identity(job)
    save_image('m.png', 255 - white)
    assert source.identity(job) != before


def test_a_mask_of_another_size_is_refused(save_image, tmp_path):
    job = Job(tmp_path / 'a.png', 'a.png', save_image('m.png', np.zeros((3, 5), np.uint8)))
    with pytest.raises(ValueError, match=r'found size 3x5 .* expected that of the image, 1x4'):
        MaskFromFile().hole(job, Picture(np.zeros((1, 4), np.uint8)))
