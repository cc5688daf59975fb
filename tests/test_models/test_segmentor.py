from __future__ import annotations

import copy

import pytest
import torch
from mmagic.registry import MODELS

from fbinpaint_mm.models.segmentor import (
    build_segmentor,
    decode_head_config,
    last_decode_head,
    segment,
)


def test_auxiliary_heads_are_left_out(segmentor_config):
    config = segmentor_config('fcn')
    kept = copy.deepcopy(config)
    assert MODELS.build(copy.deepcopy(config)).with_auxiliary_head

    segmentor = build_segmentor(config)

    assert not segmentor.with_auxiliary_head
    assert not [name for name in segmentor.state_dict() if 'auxiliary' in name]
    assert config == kept


def test_map_has_image_size(head_name, pretrained_segmentor, image_for):
    image = image_for(head_name)
    logits = segment(pretrained_segmentor(head_name), image)
    assert logits.shape == (2, 3, *image.shape[-2:])
    assert logits.requires_grad


@torch.no_grad()
@pytest.mark.parametrize('align_corners', [False, True])
def test_equals_what_mmseg_predicts(align_corners, head_name, segmentor_config, image_for):
    config, image = segmentor_config(head_name), image_for(head_name)
    for head in config['decode_head'] if head_name == 'ocr' else [config['decode_head']]:
        head['align_corners'] = align_corners
    segmentor = build_segmentor(config).eval()
    expected = torch.stack([s.seg_logits.data for s in segmentor.predict(image)])
    torch.testing.assert_close(segment(segmentor, image), expected)


@torch.no_grad()
def test_sizes_that_the_backbone_halves_unevenly(pretrained_segmentor):
    logits = segment(pretrained_segmentor('psp'), torch.randn(1, 3, 20, 28))
    assert logits.shape == (1, 3, 20, 28)


def test_last_head_of_a_cascade_makes_the_map(segmentor_config):
    cascade, single = segmentor_config('ocr'), segmentor_config('fcn')
    assert type(last_decode_head(build_segmentor(cascade))).__name__ == 'OCRHead'
    assert type(last_decode_head(build_segmentor(single))).__name__ == 'FCNHead'
    assert decode_head_config(cascade)['type'] == 'OCRHead'
    assert decode_head_config(single)['type'] == 'FCNHead'
