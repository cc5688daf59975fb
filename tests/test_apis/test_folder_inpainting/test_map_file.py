import io
import json

import numpy as np
from PIL import Image

from fbinpaint_mm.apis.folder_inpainting.map_file import encode_map


def test_pixels_are_class_ids_shown_in_the_colours_of_the_classes():
    semantic_map = np.array([[2, 0, 1], [1, 255, 2]], np.uint8)
    palette = [[1, 2, 3], [40, 50, 60], [70, 80, 90]]
    image = Image.open(io.BytesIO(encode_map(semantic_map, ['sky', 'straße', 'car'], palette)))
    assert (image.format, image.mode) == ('PNG', 'P')
    assert np.array_equal(np.asarray(image), semantic_map)
    expected = [[[70, 80, 90], [1, 2, 3], [40, 50, 60]], [[40, 50, 60], [0, 0, 0], [70, 80, 90]]]
    assert np.asarray(image.convert('RGB')).tolist() == expected
    assert json.loads(image.text['classes']) == ['sky', 'straße', 'car']


def test_without_names_there_is_no_chunk():
    content = encode_map(np.zeros((1, 1), np.uint8), None, [[0, 0, 0]])
    assert Image.open(io.BytesIO(content)).text == {}
