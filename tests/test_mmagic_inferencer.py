"""mmagic's own inferencers run our models, from files to a file."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
import torch
from mmagic.apis import MMagicInferencer
from mmagic.apis.inferencers.inpainting_inferencer import InpaintingInferencer
from mmagic.registry import MODELS
from mmengine.config import Config
from mmengine.registry import DefaultScope
from mmengine.runner import save_checkpoint

TINY = """
_base_ = [{base!r}]
network = dict(base_channels=4, dilations=(1,))
model = dict(
    generator=dict(
        initial=network,
        guided=network,
        feedback=dict(base_channels=4),
        segmentor=dict(
            backbone=dict(base_channels=4),
            decode_head=dict(in_channels=4, channels=8),
        ),
    ),
)
"""


@pytest.fixture(scope='module')
def trained(repository, tmp_path_factory):
    """Config file and checkpoint of a tiny model, as tools/train.py leaves them behind."""
    folder = tmp_path_factory.mktemp('trained')
    config, checkpoint = folder / 'tiny.py', folder / 'iter_400.pth'
    config.write_text(TINY.format(base=str(repository / 'configs/fbinpaint_demo.py')))
    torch.manual_seed(0)
    with DefaultScope.overwrite_default_scope('mmagic'):
        model = MODELS.build(Config.fromfile(config).model)
    save_checkpoint(dict(meta=dict(iter=400), state_dict=model.state_dict()), str(checkpoint))
    return str(config), str(checkpoint)


@pytest.fixture
def files(tmp_path):
    """An image of a size that no network takes as it is, and a mask, white in the hole."""
    rng = np.random.default_rng(0)
    image = rng.integers(0, 256, (61, 47, 3), dtype=np.uint8)
    mask = np.zeros((61, 47), np.uint8)
    mask[20:40, 10:30] = 255
    paths = [str(tmp_path / name) for name in ('image.png', 'mask.png', 'result.png')]
    for path, pixels in zip(paths, (image, mask), strict=False):
        cv2.imwrite(path, pixels)
    return image, mask, *paths


def inferencer_by_name(config, checkpoint):
    # The name only says that the task is inpainting; its config and checkpoint are overridden.
    return MMagicInferencer(
        model_name='global_local', model_config=config, model_ckpt=checkpoint, device='cpu'
    ).infer


def inferencer_of_the_task(config, checkpoint):
    return InpaintingInferencer(config=config, ckpt=checkpoint, device='cpu')


@pytest.mark.filterwarnings('ignore:global_local')
@pytest.mark.parametrize('make', [inferencer_by_name, inferencer_of_the_task])
def test_inpaints_a_file_and_keeps_known_pixels(make, trained, files):
    image, mask, image_path, mask_path, result_path = files
    infer = make(*trained)
    predictions, returned = infer(img=image_path, mask=mask_path, result_out_dir=result_path)

    written = cv2.imread(result_path)
    assert np.array_equal(returned, written)
    assert np.array_equal(written[mask == 0], image[mask == 0])
    assert not np.array_equal(written[mask > 0], image[mask > 0])
    output = predictions['infer_results'].output
    assert output.round_imgs.shape == (3, 3, 61, 47)
    assert output.round_segs.shape == (2, 61, 47)
    last = output.round_imgs[-1].permute(1, 2, 0).numpy()
    assert np.array_equal(written, last.round().astype(np.uint8))


def test_the_checkpoint_makes_the_picture(trained, files, tmp_path):
    """Another checkpoint, another picture: the file is really read."""
    config, checkpoint = trained
    stored = torch.load(checkpoint, weights_only=False)
    for value in stored['state_dict'].values():
        if value.is_floating_point():
            value.mul_(0.5)
    other = str(tmp_path / 'other.pth')
    torch.save(stored, other)
    _, mask, *paths = files
    first, second = (
        inferencer_of_the_task(config, file)(img=paths[0], mask=paths[1])[1]
        for file in (checkpoint, other)
    )
    assert not np.array_equal(first[mask > 0], second[mask > 0])
