from collections import Counter
from itertools import islice

import pytest
import torch
from mmengine.dataset import InfiniteSampler
from mmengine.model import BaseModel
from mmengine.registry import DefaultScope
from mmengine.runner import Runner

from fbinpaint_mm.datasets import LabeledRatioBatchSampler
from fbinpaint_mm.datasets.labeled_ratio_batch_sampler import split_batch
from fbinpaint_mm.user_error import UserError


class Dataset:
    def __init__(self, labeled, unlabeled):
        self.labeled_indices = list(range(labeled))
        self.unlabeled_indices = list(range(labeled, labeled + unlabeled))

    def __len__(self):
        return len(self.labeled_indices) + len(self.unlabeled_indices)

    def __getitem__(self, index):
        return dict(index=index)


def build(labeled=6, unlabeled=20, batch_size=4, ratio=(1, 1), seed=0, rank=0, world_size=1):
    sampler = InfiniteSampler(Dataset(labeled, unlabeled), seed=seed)
    sampler.rank, sampler.world_size = rank, world_size
    return LabeledRatioBatchSampler(sampler, batch_size, ratio)


def batches(sampler, number):
    return list(islice(iter(sampler), number))


@pytest.mark.parametrize(
    ('batch_size', 'ratio', 'expected'),
    [(4, (1, 1), (2, 2)), (10, (1, 4), (2, 8)), (4, (2, 2), (2, 2)), (3, (1, 0), (3, 0))],
)
def test_split_batch(batch_size, ratio, expected):
    assert split_batch(batch_size, ratio) == expected


@pytest.mark.parametrize('rank', [0, 1, 2])
def test_every_batch_on_every_rank_keeps_the_ratio(rank):
    sampler = build(batch_size=8, ratio=(1, 3), rank=rank, world_size=3)
    for batch in batches(sampler, 50):
        assert [index < 6 for index in batch] == [True] * 2 + [False] * 6


def test_each_source_is_seen_evenly_and_in_new_orders():
    flat = [index for batch in batches(build(), 60) for index in batch]
    counts = Counter(flat)
    assert {counts[i] for i in range(6)} == {20}
    assert {counts[i] for i in range(6, 26)} == {6}
    labeled = [index for index in flat if index < 6]
    passes = {tuple(labeled[i : i + 6]) for i in range(0, len(labeled), 6)}
    assert all(sorted(order) == list(range(6)) for order in passes)
    assert len(passes) > 10


def test_ranks_share_a_pass_without_overlap():
    ranks = [batches(build(batch_size=2, rank=r, world_size=2), 3) for r in range(2)]
    labeled = [batch[0] for rank in ranks for batch in rank]
    assert sorted(labeled) == list(range(6))


def test_restart_repeats_the_sequence_and_seeds_differ():
    sampler = build()
    assert batches(sampler, 20) == batches(sampler, 20)
    assert batches(build(seed=1), 20) != batches(sampler, 20)


def test_equal_sources_are_not_paired_up():
    pairs = batches(build(labeled=8, unlabeled=8, batch_size=2), 8)
    assert any(unlabeled - 8 != labeled for labeled, unlabeled in pairs)


@pytest.mark.parametrize(('ratio', 'low', 'high'), [((1, 0), 0, 6), ((0, 1), 6, 26)])
def test_one_source_only(ratio, low, high):
    indices = {index for batch in batches(build(ratio=ratio), 40) for index in batch}
    assert indices == set(range(low, high))


def test_one_source_needs_no_other():
    assert len(batches(build(unlabeled=0, ratio=(1, 0)), 3)) == 3


def test_length_is_one_pass_of_the_longer_source():
    assert len(build(batch_size=4)) == 10
    assert len(build(batch_size=4, world_size=2)) == 5
    assert len(build(batch_size=4, ratio=(1, 0))) == 2


def test_batch_that_cannot_be_split():
    found = r'^train_dataloader\.batch_size: found 6, expected a multiple of 5, '
    with pytest.raises(UserError, match=rf'{found}.*batch_sampler\.ratio splits 1:4$'):
        build(batch_size=6, ratio=(1, 4))


@pytest.mark.parametrize('ratio', [(1,), (1, -1), (0.5, 0.5), (0, 0)])
def test_malformed_ratio(ratio):
    with pytest.raises(UserError, match='expected'):
        build(ratio=ratio)


def test_empty_source():
    with pytest.raises(UserError, match=r'needs 2 unlabeled .* has none.*ratio=\(1, 0\)'):
        build(unlabeled=0)
    with pytest.raises(UserError, match=r'needs 2 labeled .* has none.*ratio=\(0, 1\)'):
        build(labeled=0)


def test_dataset_without_split():
    with pytest.raises(UserError, match='list has no labeled_indices'):
        LabeledRatioBatchSampler(InfiniteSampler([1, 2], seed=0), 2)


@pytest.mark.parametrize('num_workers', [0, 1])
def test_the_runner_builds_it(num_workers):
    loader = dict(
        batch_size=4,
        num_workers=num_workers,
        dataset=Dataset(6, 20),
        sampler=dict(type='InfiniteSampler'),
        batch_sampler=dict(type='LabeledRatioBatchSampler', ratio=(1, 1)),
        collate_fn=dict(type='default_collate'),
    )
    with DefaultScope.overwrite_default_scope('mmagic'):
        built = Runner.build_dataloader(loader, seed=0)
    expected = batches(build(seed=0), 5)
    assert [batch['index'].tolist() for batch in islice(built, 5)] == expected


class Recorder(BaseModel):
    """Keeps the indices of every training batch."""

    def __init__(self):
        super().__init__()
        self.weight = torch.nn.Parameter(torch.zeros(1))
        self.seen = []

    def forward(self, index, mode='loss'):
        self.seen.append(index.tolist())
        return dict(loss=self.weight.sum())


def train(folder, max_iters, resume, num_workers):
    loader = dict(
        batch_size=4,
        num_workers=num_workers,
        dataset=Dataset(6, 20),
        sampler=dict(type='InfiniteSampler'),
        batch_sampler=dict(type='LabeledRatioBatchSampler', ratio=(1, 1)),
        collate_fn=dict(type='default_collate'),
    )
    model = Recorder()
    Runner(
        model,
        str(folder),
        train_dataloader=loader,
        train_cfg=dict(by_epoch=False, max_iters=max_iters, val_interval=100),
        optim_wrapper=dict(optimizer=dict(type='SGD', lr=0.1)),
        default_hooks=dict(checkpoint=dict(type='CheckpointHook', by_epoch=False, interval=3)),
        default_scope='mmagic',
        randomness=dict(seed=0),
        resume=resume,
        experiment_name=f'{folder.name}_{resume}_{num_workers}',
    ).train()
    return model.seen


@pytest.mark.parametrize('num_workers', [0, 1])
def test_resumed_training_continues_the_sequence(tmp_path, num_workers):
    whole = train(tmp_path / 'whole', 6, False, num_workers)
    first = train(tmp_path / 'parts', 3, False, num_workers)
    rest = train(tmp_path / 'parts', 6, True, num_workers)
    assert len(whole) == 6
    assert first + rest == whole
