from zlib import crc32

import torch
from mmagic.structures import DataSample

from fbinpaint_mm.models.feedback import NO_KEY
from fbinpaint_mm.models.image_keys import image_keys_of


def stacked(*paths):
    metas = [{} if path is None else dict(gt_path=path) for path in paths]
    return DataSample.stack([DataSample(mask=torch.zeros(1, 4, 4), metainfo=m) for m in metas])


def test_the_same_path_has_the_same_key_and_another_has_another():
    keys = image_keys_of(stacked('a/1.png', 'a/2.png', 'a/1.png'), torch.device('cpu'))
    assert keys.dtype == torch.int64
    assert keys[0] == keys[2] == crc32(b'a/1.png')
    assert keys[0] != keys[1]
    assert (keys >= 0).all()


def test_images_without_a_path_have_none():
    assert image_keys_of(stacked(None, None), torch.device('cpu')).tolist() == [NO_KEY] * 2
