from zlib import crc32

import torch
from mmagic.structures import DataSample

from fbinpaint_mm.models.feedback import NO_KEY, PART_KEY
from fbinpaint_mm.models.feedback.layout_memory import image_keys_of

CPU = torch.device('cpu')


def stacked(*metas):
    return DataSample.stack([DataSample(mask=torch.zeros(1, 4, 4), metainfo=m) for m in metas])


def keys_of(*paths):
    return image_keys_of(stacked(*(dict(gt_path=path) for path in paths)), CPU)


def test_the_same_file_has_the_same_key_and_another_has_another():
    keys = keys_of('a/1.png', 'a/2.png', 'a/1.png', 'b/1.png')
    assert keys.dtype == torch.int64
    assert keys[0] == keys[2] == crc32(b'a/1.png')
    assert len(keys.unique()) == 3
    assert (keys >= 0).all()


def test_a_data_set_that_moved_has_the_same_keys():
    keys = keys_of('data/faces/train/1.png', '/other/place/train/1.png', './train/1.png')
    assert len(keys.unique()) == 1


def test_images_without_a_path_and_parts_of_images_have_none():
    assert image_keys_of(stacked({}, {}), CPU).tolist() == [NO_KEY] * 2
    parts = stacked(dict(is_part=True), dict(is_part=False))
    assert image_keys_of(parts, CPU).tolist() == [PART_KEY, NO_KEY]
