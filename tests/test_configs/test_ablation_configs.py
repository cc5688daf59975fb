"""Every ablation: a step of training and of validation, and that it ablates what its name says."""

from collections import defaultdict
from copy import deepcopy
from functools import cache
from pathlib import Path

import pytest
import torch
from mmagic import registry
from mmengine.config import Config
from mmengine.optim import build_optim_wrapper
from mmengine.registry import DefaultScope

CONFIGS = Path(__file__).resolve().parents[2] / 'configs'
NAMES = sorted(path.stem for path in (CONFIGS / 'ablations').glob('*.py'))
SMALL = ('demo', 'celebahq_small', 'camvid_small')
FULL_LOSSES = ('celebahq_64px', 'camvid_64px')
DATASETS = (*SMALL, *FULL_LOSSES)
ABLATIONS = {
    'no_semantics',
    'one_way',
    'no_recorrection',
    'no_teacher',
    'ground_truth_map',
    *(f'supervised_1of{share}' for share in (1, 2, 4, 8)),
    *(f'rounds_{rounds}' for rounds in range(4)),
}
ABLATIONS_UNDER_FULL_LOSSES = {
    'no_semantics',
    'one_way',
    'no_recorrection',
    'ground_truth_map',
    'supervised_1of8',
    'no_semantic_loss',
    'one_way_semantic_loss',
}
ABLATIONS_OF_FACES = {'no_layout'}  # only they have it


@cache
def load(name):
    """A config, read once: reading takes as long as a step."""
    return Config.fromfile(CONFIGS / f'{name}.py')


def differences(config, base, prefix=''):
    """Dotted names of the settings in which two configs differ."""
    names = set()
    for key in {*config, *base}:
        one, other = config.get(key), base.get(key)
        if isinstance(one, dict) and isinstance(other, dict):
            names |= differences(one, other, f'{prefix}{key}.')
        elif one != other:
            names.add(f'{prefix}{key}')
    return names


def test_every_ablation_is_there_for_every_data_set():
    expected = {f'{name}_{data}' for name in ABLATIONS for data in SMALL}
    expected |= {f'{name}_{data}' for name in ABLATIONS_UNDER_FULL_LOSSES for data in FULL_LOSSES}
    expected |= {f'{name}_celebahq_64px' for name in ABLATIONS_OF_FACES}
    assert set(NAMES) == expected


def test_an_ablation_is_the_same_on_every_data_set():
    changed = defaultdict(list)
    for name in NAMES:
        ablation, data = next(
            (name.removesuffix(f'_{data}'), data) for data in DATASETS if name.endswith(data)
        )
        found = differences(load(f'ablations/{name}'), load(f'fbinpaint_{data}'))
        # The demo and the real data sets have another share of labels to begin with.
        found -= {'train_dataloader.dataset.labeled_ratio'}
        changed[ablation, data in FULL_LOSSES].append(found)
    for (ablation, under_full_losses), found in changed.items():
        data = FULL_LOSSES if under_full_losses else SMALL
        assert len(found) == (1 if ablation in ABLATIONS_OF_FACES else len(data))
        assert all(one == found[0] for one in found), ablation
        # Two rounds are what the base has.
        assert found[0] or ablation == 'rounds_2'


@pytest.mark.parametrize('name', NAMES)
def test_takes_a_training_and_a_validation_step(name, fabricate_batch, remove_downloads):
    config = load(f'ablations/{name}')
    parts = deepcopy(config.model)
    remove_downloads(parts)
    with DefaultScope.overwrite_default_scope('mmagic'):
        torch.manual_seed(0)
        model = registry.MODELS.build(parts).train()
        wrapper = build_optim_wrapper(model, config.optim_wrapper)
    batch = fabricate_batch((32, 32), config.num_classes)
    losses = model.train_step(batch, wrapper)
    assert all(torch.isfinite(torch.as_tensor(value)).all() for value in losses.values())

    rounds = config.model.train_cfg.rounds
    assert (f'round{rounds}_loss_l1_hole' in losses) == (rounds >= 0)
    assert f'round{rounds + 1}_loss_l1_hole' not in losses
    has_map = 'no_semantics' not in name and rounds > 0
    first = rounds if model.only_last_learns else 1
    assert (f'round{first}_loss_segmentation' in losses) == has_map
    under_full_losses = name.endswith(FULL_LOSSES)
    alone = ('no_semantics', 'no_teacher', 'supervised', 'ground_truth')
    # Under the full losses, a teacher without unlabelled images has nothing to do, or images only.
    alone = alone[:1] if under_full_losses else alone
    assert (model.teacher is None) == name.startswith(alone)
    assert (f'round{first}_loss_consistency' in losses) == (has_map and model.teacher is not None)
    judged = under_full_losses and name.startswith(
        ('no_recorrection', 'no_layout', 'supervised', 'one_way_semantic_loss')
    )
    assert (f'round{rounds}_loss_semantic' in losses) == judged
    assert (model.disc is not None) == under_full_losses
    assert (model.loop.feedback is None) == name.startswith(
        ('no_semantics', 'one_way', 'ground_truth')
    )
    assert (model.loop.recorrection is None) == name.startswith(
        ('no_semantics', 'one_way', 'ground_truth', 'no_recorrection')
    )
    has_layout = name.startswith(('supervised', 'no_semantic_loss'))
    has_layout = has_layout and name.endswith('celebahq_64px')
    assert (getattr(model.loop.recorrection, 'layout', None) is not None) == has_layout

    with torch.no_grad():
        sample = model.eval().val_step(fabricate_batch((32, 32), config.num_classes))[0]
    assert sample.output.round_imgs.shape == (rounds + 1, 3, 32, 32)
    maps = sample.output.get('round_segs')
    assert (maps is not None) == has_map
    if 'ground_truth' in name:
        assert torch.equal(maps[0], sample.gt_seg[0])
    assert model.loop.refine == ('initial' if under_full_losses else 'current')


@pytest.mark.parametrize(
    'name', [name for name in NAMES if name.startswith(('supervised', 'ground'))]
)
def test_supervised_runs_see_labelled_images_only(name):
    loader = load(f'ablations/{name}').train_dataloader
    assert tuple(loader.batch_sampler.ratio) == (1, 0)
    share = name.split('_')[1].removeprefix('1of') if name.startswith('supervised') else '1'
    expected = 1 if share == '1' else f'1/{share}'
    assert loader.dataset.labeled_ratio == expected
