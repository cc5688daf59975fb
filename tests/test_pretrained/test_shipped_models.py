"""The trained models of the package: small, whole, described, and better than no network."""

from __future__ import annotations

import csv
import hashlib
import re
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch
import yaml
from PIL import Image

from fbinpaint_mm.apis import FeedbackInpainter
from fbinpaint_mm.pretrained import FOLDER, METAFILE, checkpoint_of, pretrained_names

MODELS = ('faces', 'streets')
LIMIT_OF_WEIGHTS = 40_000_000  # bytes, of all models together
DIGITS = dict(PSNR=2, SSIM=4, LPIPS=4, mIoU_hole=1, aAcc_hole=1)
AREAS = ('all', '10-20', '20-30', '30-40', '40-50', '50-60')  # percent of the image
TABLES = Path(__file__).parents[2] / 'configs' / 'comparisons'
VISIBLY = 3.0  # gray levels, the mean change of a hole's pixels


def metafile(name: str) -> dict:
    (model,) = yaml.safe_load((FOLDER / name / METAFILE).read_text())['Models']
    return model


def weights(name: str) -> Path:
    return Path(checkpoint_of(name, None))


def scores_of_table(name: str, score: str, area: str) -> float:
    """A score of one round in the table that the README is made of."""
    with (TABLES / f'trained_{name}.csv').open(newline='') as file:
        rows = [row for row in csv.DictReader(file) if row['entry'] == 'ours']
    wanted = dict(comparison='trained', round='1', score=score, area=area)
    (row,) = [row for row in rows if wanted.items() <= row.items()]
    return float(row['mean'])


def written(score: float, digits: int) -> str:
    return f'{score:.{digits}f}'.lstrip('0')


@pytest.fixture(scope='module')
def inpainters():
    """Each model as a new user has it: without data, weights or variables of the environment."""
    with pytest.MonkeyPatch.context() as monkeypatch:
        for variable in ('MIGAN', 'WEIGHTS', 'INITIAL', 'SEGMENTOR', 'CELEBAMASK_HQ', 'CAMVID'):
            monkeypatch.delenv(f'FBINPAINT_{variable}', raising=False)
        yield {name: FeedbackInpainter(name, device='cpu') for name in MODELS}


@pytest.fixture(scope='module')
def portrait():
    """The picture beside the model, 256x256, and a hole over a part of it."""
    image = Image.open(FOLDER / 'faces' / 'portrait.jpg').convert('RGB')
    hole = np.zeros((256, 256), bool)
    hole[90:180, 80:150] = True
    return np.asarray(image), hole


def test_these_are_shipped():
    assert tuple(pretrained_names()) == MODELS
    assert sum(weights(name).stat().st_size for name in MODELS) < LIMIT_OF_WEIGHTS


@pytest.mark.parametrize('name', MODELS)
def test_the_file_is_the_one_described(name):
    digest = hashlib.sha256(weights(name).read_bytes()).hexdigest()
    card = (FOLDER / name / 'README.md').read_text()
    assert digest == metafile(name)['Metadata']['SHA256']
    assert digest in card
    assert weights(name).stat().st_size == metafile(name)['Metadata']['File Size (bytes)']
    assert [path.name for path in (FOLDER / name).glob('*.pth')] == [weights(name).name]


@pytest.mark.parametrize('name', MODELS)
def test_the_card_has_the_scores_of_the_metafile(name):
    (result,), card = metafile(name)['Results'], (FOLDER / name / 'README.md').read_text()
    rows = re.findall(r'^\|[^|]+\|((?: [\d.]+ \|)+)$', card, flags=re.MULTILINE)
    said = [row.replace('|', '').split() for row in rows]
    measured = [
        [written(scores_of_table(name, score, area), digits) for area in AREAS]
        for score, digits in DIGITS.items()
    ]
    assert said == measured
    of_all = [written(result['Metrics'][score], digits) for score, digits in DIGITS.items()]
    assert [row[0] for row in said] == of_all


def test_the_index_lists_all_metafiles():
    index = yaml.safe_load((FOLDER.parent / 'model-index.yml').read_text())  # where mim looks
    assert index['Import'] == [f'{FOLDER.name}/{name}/{METAFILE}' for name in MODELS]


@pytest.mark.parametrize('name', MODELS)
def test_the_file_holds_what_inference_needs_and_nothing_else(name):
    loaded = torch.load(weights(name), weights_only=True)
    parts = {key.split('.')[0] for key in loaded['state_dict']}
    assert parts == {'generator'}
    assert {value.dtype for value in loaded['state_dict'].values() if value.ndim > 1} == {
        torch.float16
    }
    assert set(loaded['meta']) == {'iter', 'seed', 'dataset_meta', 'fbinpaint_mm_version'}


@pytest.mark.parametrize('name', MODELS)
def test_known_pixels_come_back(inpainters, portrait, name):
    image, hole = portrait
    result = inpainters[name].inpaint(image, hole)
    assert np.array_equal(result.image[~hole], image[~hole])
    assert not np.array_equal(result.image[hole], image[hole])


def test_a_face_is_completed_better_than_by_diffusion(inpainters, portrait):
    image, hole = portrait
    ours = inpainters['faces'].inpaint(image, hole).image
    telea = cv2.inpaint(image, hole.astype(np.uint8), 5, cv2.INPAINT_TELEA)
    errors = [np.abs(found[hole] - image[hole].astype(float)).mean() for found in (ours, telea)]
    assert errors[0] < errors[1]


def test_a_small_face_is_completed_better_where_the_model_sees_it_enlarged(inpainters, portrait):
    image, hole = portrait
    small = cv2.resize(image, (64, 64), interpolation=cv2.INTER_AREA)
    hole = cv2.resize(hole.astype(np.uint8), (64, 64), interpolation=cv2.INTER_NEAREST) > 0
    found = [inpainters['faces'].inpaint(small, hole, max_side=side).image for side in (512, 64)]
    enlarged, as_it_is = (np.abs(one[hole] - small[hole].astype(float)).mean() for one in found)
    assert enlarged < 0.9 * as_it_is
    assert all(np.array_equal(one[~hole], small[~hole]) for one in found)


def test_a_dictated_map_changes_the_picture(inpainters, portrait):
    image, hole = portrait
    faces = inpainters['faces']
    first = faces.inpaint(image, hole).image
    dictated = np.where(hole, faces.classes.index('hair'), 255).astype(np.uint8)
    second = faces.inpaint(image, hole, semantic_map=dictated).image
    assert np.abs(second[hole] - first[hole].astype(float)).mean() > VISIBLY
