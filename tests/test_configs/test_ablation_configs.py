"""Every ablation leaves out what its name says; their steps are in test_model_configs.py."""

from __future__ import annotations

import functools
from operator import getitem

import pytest

from tests.test_configs.shipped_configs import differences, names, read

SMALL = ('celebahq_64px', 'camvid_64px')
FULL = ('celebahq', 'camvid', 'cityscapes')
ROUND_1_ALONE = {'train_cfg.rounds': 1, 'test_cfg.rounds': 1}
ONE_WAY = {'generator.feedback': None, 'generator.recorrection': None, **ROUND_1_ALONE}
NO_SEMANTIC_LOSS = {'losses.semantic': None}
NO_TEACHER = {'teacher': None, 'losses.consistency': None}
# Settings of the model that an ablation changes, and the data sets that it exists for.
ABLATIONS = {
    'no_semantics': (
        {'generator.segmentor': None, **ONE_WAY, **NO_TEACHER, **NO_SEMANTIC_LOSS},
        (*SMALL, *FULL, 'demo'),
    ),
    'one_way': ({**ONE_WAY, **NO_SEMANTIC_LOSS}, (*SMALL, *FULL, 'demo')),
    'one_way_semantic_loss': (ONE_WAY, (*SMALL, *FULL[:2])),
    'no_semantic_loss': (NO_SEMANTIC_LOSS, SMALL),
    'no_recorrection': ({'generator.recorrection': None}, SMALL),
    'ground_truth_map': ({**ONE_WAY, **NO_SEMANTIC_LOSS}, (*SMALL, *FULL[:2])),
    'labeled_only': ({}, SMALL),
}
CASES = [(ablation, data) for ablation, (_, found) in ABLATIONS.items() for data in found]


def test_every_ablation_is_there():
    assert set(names('ablations')) == {f'ablations/{name}_{data}' for name, data in CASES}


@pytest.mark.parametrize(('ablation', 'data'), CASES)
def test_it_changes_what_it_is_named_after_and_nothing_else(ablation, data):
    config, base = read(f'ablations/{ablation}_{data}'), read(f'fbinpaint_{data}')
    expected = {
        key: value
        for key, value in ABLATIONS[ablation][0].items()
        if functools.reduce(getitem, key.split('.'), base.model) != value
    }
    assert differences(config.model, base.model) == expected

    ratio, labeled, pipeline = (
        'train_dataloader.batch_sampler.ratio',
        'train_dataloader.dataset.labeled_ratio',
        'dataset.pipeline',
    )
    changed = differences(config, base)
    others = {name for name in changed if not name.startswith('model.') and '.' in name}
    assert others == dict(
        labeled_only={ratio},
        ground_truth_map={ratio, labeled}
        | {f'{part}_dataloader.{pipeline}' for part in ('train', 'val', 'test')},
    ).get(ablation, set())
    assert changed.get(ratio, (1, 0)) == (1, 0), 'labeled images alone'
    assert changed.get(labeled, 1) == 1, 'all of them'
    for part in ('train', 'val', 'test'):
        dictated = [step.type for step in config[f'{part}_dataloader'].dataset.pipeline][-2:]
        is_dictated = dictated == ['DictateLabelMap', 'PackSemanticInputs']
        assert is_dictated == (ablation == 'ground_truth_map')
