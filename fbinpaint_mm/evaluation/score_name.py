"""The names under which evaluators report scores."""

from __future__ import annotations

import re
from dataclasses import dataclass

PATTERN = re.compile(
    r'^(?P<prefix>(?:.*?/)??)'
    r'(?:round(?P<round>\d+)/)?'
    r'(?P<metric>[^/]+?)'
    r'(?:_(?P<bin>[\d.]+-[\d.]+))?'
    r'(?:_(?P<statistic>std|count))?$'
)


@dataclass(frozen=True)
class ScoreName:
    """What one score is about: ``round1/PSNR_10-20_std``.

    Attributes:
        metric: Name of the metric, after its prefix if it has one: ``'PSNR'``, ``'faces/PSNR'``.
        round: Round 0..R; ``None`` for the final result.
        bin: Bin of hole areas in percent, such as ``'10-20'``; ``None`` for all images.
        statistic: ``'std'`` or ``'count'``; ``None`` for the score itself.
    """

    metric: str
    round: int | None = None
    bin: str | None = None
    statistic: str | None = None

    def __str__(self) -> str:
        prefix, slash, metric = self.metric.rpartition('/')
        parts = [metric, *(part for part in (self.bin, self.statistic) if part is not None)]
        before = '' if self.round is None else f'round{self.round}/'
        return prefix + slash + before + '_'.join(parts)

    @classmethod
    def parse(cls, text: str) -> ScoreName:
        """The parts of a name; text of another form is the name of a metric as a whole."""
        match = PATTERN.match(text)
        if match is None:
            return cls(text)
        round_index = None if match['round'] is None else int(match['round'])
        return cls(match['prefix'] + match['metric'], round_index, match['bin'], match['statistic'])
