"""Batches with a fixed share of labeled samples."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from itertools import islice
from typing import Any

import torch
from mmagic.registry import DATA_SAMPLERS
from mmengine.dataset import InfiniteSampler
from torch.utils.data import Sampler

from fbinpaint_mm.user_error import UserError

RATIO = 'train_dataloader.batch_sampler.ratio'  # where a config has it, for messages


def shuffled_forever(indices: Sequence[int], seed: int, shuffle: bool = True) -> Iterator[int]:
    """Pass over the indices again and again, each pass in a new order that the seed determines."""
    generator = torch.Generator().manual_seed(seed)
    while True:
        order = torch.randperm(len(indices), generator=generator) if shuffle else None
        yield from indices if order is None else (indices[i] for i in order.tolist())


def split_batch(batch_size: int, ratio: Sequence[int]) -> tuple[int, int]:
    """Number of labeled and of unlabeled samples in a batch.

    Args:
        batch_size: samples per batch and rank.
        ratio: labeled : unlabeled, two non-negative integers.

    Returns:
        Two numbers that add up to ``batch_size``.

    Raises:
        UserError: the ratio is malformed or the batch cannot be split exactly.
    """
    if len(ratio) != 2 or any(not isinstance(part, int) or part < 0 for part in ratio):
        raise UserError(f'{RATIO}: found {ratio!r}, expected (labeled, unlabeled), such as (1, 1)')
    if not any(ratio):
        raise UserError(f'{RATIO}: found {ratio!r}, expected a sample, such as (1, 1) or (1, 0)')
    labeled, unlabeled = (part // math.gcd(*ratio) for part in ratio)
    parts = labeled + unlabeled
    if batch_size < 1 or batch_size % parts:
        raise UserError(
            f'train_dataloader.batch_size: found {batch_size}, expected a multiple of {parts}, '
            f'which {RATIO} splits {labeled}:{unlabeled}'
        )
    return batch_size // parts * labeled, batch_size // parts * unlabeled


@DATA_SAMPLERS.register_module()
class LabeledRatioBatchSampler(Sampler[list[int]]):
    """Endless batches that all hold labeled and unlabeled samples in one ratio, on every rank.

    Labeled samples come first in a batch. Each source is shuffled on its own in every pass, so the
    smaller one is simply repeated more often. Ranks share the seed and take every n-th sample:
    no sample is seen by two ranks in the same pass. A restarted iterator gives the same sequence,
    which is what resuming relies on. For iteration-based training loops; an epoch-based loop would
    not end.

    Used as ``sampler=dict(type='InfiniteSampler'), batch_sampler=dict(type=
    'LabeledRatioBatchSampler', ratio=(1, 1))`` beside the loader's ``batch_size``: the Runner hands
    over both the sampler, of which data set, seed, rank and number of ranks are read, and the size.

    Args:
        sampler: mmengine's ``InfiniteSampler`` over a data set that has ``labeled_indices`` and
            ``unlabeled_indices``.
        batch_size: samples per batch and rank.
        ratio: labeled : unlabeled; ``(1, 0)`` for labeled batches, ``(0, 1)`` for unlabeled.

    Raises:
        UserError: the data set does not say which samples are labeled.
        UserError: the batch cannot be split exactly, or a source it needs is empty.
    """

    def __init__(
        self, sampler: InfiniteSampler, batch_size: int, ratio: Sequence[int] = (1, 1)
    ) -> None:
        self.batch_size = batch_size
        self.counts = split_batch(batch_size, ratio)
        self.sampler = sampler  # mmengine's DistSamplerSeedHook looks for it
        self.rank = sampler.rank
        self.world_size = sampler.world_size
        self.seed = sampler.seed
        self.shuffle = sampler.shuffle
        self.sources = self._read_sources(sampler.dataset)
        self._check_sources()

    def __iter__(self) -> Iterator[list[int]]:
        """Batches of indices, without end."""
        streams = [self._stream(source, i) for i, source in enumerate(self.sources)]
        while True:
            yield [
                index
                for stream, count in zip(streams, self.counts, strict=True)
                for index in islice(stream, count)
            ]

    def __len__(self) -> int:
        """Batches per rank until every sample of the sources in use was seen once."""
        return max(
            math.ceil(len(source) / (count * self.world_size))
            for source, count in zip(self.sources, self.counts, strict=True)
            if count
        )

    def _stream(self, source: Sequence[int], position: int) -> Iterator[int]:
        """This rank's share of one source; different seeds keep equal sources from pairing up."""
        if not source:
            return iter(())
        endless = shuffled_forever(source, 2 * self.seed + position, self.shuffle)
        return islice(endless, self.rank, None, self.world_size)

    @staticmethod
    def _read_sources(dataset: Any) -> tuple[list[int], list[int]]:
        try:
            return list(dataset.labeled_indices), list(dataset.unlabeled_indices)
        except AttributeError as error:
            raise UserError(
                f'{type(dataset).__name__} has no labeled_indices and unlabeled_indices; use '
                'SemanticInpaintingDataset, or no batch_sampler'
            ) from error

    def _check_sources(self) -> None:
        for name, source, count in zip(
            ('labeled', 'unlabeled'), self.sources, self.counts, strict=True
        ):
            if count and not source:
                other = '(0, 1)' if name == 'labeled' else '(1, 0)'
                raise UserError(
                    f'every batch needs {count} {name} sample(s) but the data set has none; change '
                    f'labeled_ratio, labeled_list or unlabeled_prefix, or set {RATIO}={other}'
                )
