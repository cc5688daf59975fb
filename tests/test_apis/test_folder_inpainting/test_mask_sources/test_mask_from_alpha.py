from pathlib import Path

import numpy as np
import pytest

from fbinpaint_mm.apis.folder_inpainting import Job, MaskFromAlpha
from fbinpaint_mm.apis.picture import Picture

JOB = Job(Path('a.png'), 'a.png')


@pytest.mark.parametrize('dtype', [np.uint8, np.uint16])
@pytest.mark.parametrize('channels', [2, 4])
def test_what_is_not_opaque_is_the_hole(dtype, channels):
    pixels = np.zeros((1, 3, channels), dtype)
    top = np.iinfo(dtype).max
    pixels[0, :, -1] = [0, top - 1, top]
    assert MaskFromAlpha().hole(JOB, Picture(pixels)).tolist() == [[True, True, False]]


@pytest.mark.parametrize('shape', [(2, 4), (2, 4, 3)])
def test_a_picture_without_alpha_is_refused(shape):
    with pytest.raises(ValueError, match='no alpha channel to take the hole from'):
        MaskFromAlpha().hole(JOB, Picture(np.zeros(shape, np.uint8)))
