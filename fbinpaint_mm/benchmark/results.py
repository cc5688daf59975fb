"""What a benchmark knows of its entries, in memory and on disk.

Every table, plot and file of a report is made of a ``Benchmark``. Its finished parts are in a
``ResultStore``, so that an interrupted benchmark goes on where it was.
"""

from __future__ import annotations

import json
import logging
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from fbinpaint_mm.evaluation.score_series import ScoreName, ScoreSeries
from fbinpaint_mm.write_file import write_file


@dataclass
class RunResult:
    """One evaluated model: an entry with one seed.

    Attributes:
        seed: Seed it was trained with; ``None`` where the benchmark did not train it.
        checkpoint: File that was evaluated; ``None`` for a model that does not learn.
        series: Scores of every image: each metric for each round and for the final result.
        set_scores: Scores that exist only for the whole set, such as FID, by name.
        training: ``iterations``, ``seconds``, ``cpu_seconds`` and ``flops`` that the training
            spent, where known.
        environment: Versions, device, command, time and commit when it was scored: an earlier
            call's, where its result is reused.
    """

    seed: int | None
    checkpoint: str | None
    series: list[ScoreSeries]
    set_scores: dict[str, float] = field(default_factory=dict)
    training: dict[str, float] = field(default_factory=dict)
    environment: dict[str, Any] = field(default_factory=dict)

    def find(self, metric: str, round_index: int | None = None) -> ScoreSeries | None:
        """The series of a metric and round (``None``: final), or ``None`` if there is none."""
        found = (one for one in self.series if (one.metric, one.round) == (metric, round_index))
        return next(found, None)

    def names(self) -> list[ScoreName]:
        """Metric and round of all scores, those of images first."""
        of_images = [ScoreName(one.metric, one.round) for one in self.series]
        return of_images + [ScoreName.parse(name) for name in self.set_scores]

    def to_dict(self) -> dict[str, Any]:
        """The result as JSON can hold it."""
        return {**vars(self), 'series': [series.to_dict() for series in self.series]}

    @classmethod
    def from_dict(cls, stored: dict[str, Any]) -> RunResult:
        """The result that ``to_dict`` stored."""
        series = [ScoreSeries.from_dict(one) for one in stored['series']]
        return cls(**{**stored, 'series': series})


@dataclass
class EntryResult:
    """Everything measured for one entry of a benchmark.

    Attributes:
        name: Unique in the benchmark; also a file name.
        config: Path of the config, or name of the classical method.
        runs: One per seed; empty if the entry failed.
        speed: Measured in processes of their own, numbers only:
            ``parameters`` (count), ``parameters_trained`` (count; with the discriminator),
            ``seconds_per_image`` (median), ``flops_per_image`` (multiply and add counted apart),
            ``peak_memory`` (bytes, inference), ``training_seconds_per_iteration`` and
            ``training_cpu_seconds_per_iteration`` (median elapsed; least CPU time),
            ``training_flops_per_iteration``, ``training_peak_memory`` (bytes) and, for models with
            rounds, ``rounds``: a list with ``seconds_per_image`` and ``flops_per_image`` for
            R = 0, 1, ...; a key is absent where it does not apply. ``conditions`` says how the
            medians were taken: ``warm_up`` (calls that do not count), ``repeats`` (calls that
            count), ``batch_size`` (images), the same of training as ``training_warm_up``,
            ``training_repeats`` and ``training_batch_size``, and ``threads`` (torch's, on the
            processor).
        error: Why the entry failed; ``None`` if it did not.
        starts: The checkpoint files that its training started from, from ``describe_starts``;
            empty if the benchmark did not train it.
        trained: From ``describe_training``: ``iterations``, ``images`` and ``labeled`` of its
            training, as far as they are known.
    """

    name: str
    config: str
    runs: list[RunResult] = field(default_factory=list)
    speed: dict[str, Any] = field(default_factory=dict)
    error: str | None = None
    starts: list[dict[str, str]] = field(default_factory=list)
    trained: dict[str, int] = field(default_factory=dict)

    def series(self, metric: str, round_index: int | None = None) -> list[ScoreSeries]:
        """Series of a metric and round (``None``: final), one per seed that has it."""
        found = [run.find(metric, round_index) for run in self.runs]
        return [series for series in found if series is not None]


@dataclass
class BenchmarkData:
    """The image and hole pairs that all entries were scored on.

    Attributes:
        config: Config whose data set was used.
        split: ``'val'`` or ``'test'``.
        samples: Name of each image, in order.
        hole_areas: Share of hole of each, in [0, 1].
        size: (height, width) of the images in pixels; of the first one if they differ.
        sha256: Hash over all pixels of images, holes and label maps: two benchmarks with the same
            hash are comparable.
        images: Name of the image of each sample, the same for several holes of one image; empty if
            each sample has an image of its own.
    """

    config: str
    split: str
    samples: list[str]
    hole_areas: list[float]
    size: tuple[int, int]
    sha256: str
    images: list[str] = field(default_factory=list)


@dataclass
class Benchmark:
    """All that is reported.

    Attributes:
        data: The image and hole pairs.
        reference: Name of the entry that the others are compared with.
        entries: In the order of the command line, the reference among them.
        protocol: For each metric what it measures: ``unit``, ``data_range``, ``color_order``,
            ``image`` ('composite' or 'raw'), ``region``, ``higher_is_better``, and ``backbone``
            where there is one.
        environment: Versions, device, threads, command, time.
        other_classes: Names of the entries whose classes are not those of the data.
    """

    data: BenchmarkData
    reference: str
    entries: list[EntryResult]
    protocol: dict[str, dict[str, Any]]
    environment: dict[str, Any]
    other_classes: list[str] = field(default_factory=list)

    def entry(self, name: str) -> EntryResult:
        """The entry of that name."""
        return next(entry for entry in self.entries if entry.name == name)


class ResultStore:
    """``FOLDER/<entry>.json``: for each entry its finished parts, with their fingerprints.

    Args:
        folder: Made when the first part is saved.
        logger: Gets a warning about a file that cannot be read.
    """

    def __init__(self, folder: Path, logger: logging.Logger) -> None:
        self.folder = folder
        self.logger = logger

    def load(self, entry: str, part: str, fingerprint: str) -> dict[str, Any] | None:
        """What was saved of a part, such as ``'speed'`` or ``'scores_seed_0'``.

        Returns:
            What ``save`` got, or ``None`` if that has another fingerprint or there is nothing.
        """
        stored = self._read(entry).get(part) or {}
        return stored.get('content') if stored.get('fingerprint') == fingerprint else None

    def save(self, entry: str, part: str, fingerprint: str, content: dict[str, Any]) -> None:
        """Add a finished part, or replace it.

        Args:
            entry: Name of the entry.
            part: Such as ``'speed'`` or ``'scores_seed_0'``.
            fingerprint: Of all that the content depends on.
            content: What JSON can hold.
        """
        parts = self._read(entry)
        parts[part] = dict(fingerprint=fingerprint, content=content)
        write_file(self.folder / f'{entry}.json', json.dumps(parts) + '\n')

    def _read(self, entry: str) -> dict[str, Any]:
        """All parts of an entry; none if the file is absent or broken."""
        path = self.folder / f'{entry}.json'
        try:
            parts = json.loads(path.read_text(encoding='utf-8'))
            if all(part.keys() == {'fingerprint', 'content'} for part in parts.values()):
                return parts
            problem = 'a part lacks its fingerprint or its content'
        except FileNotFoundError:
            return {}
        except (AttributeError, ValueError) as error:
            problem = str(error)
        self.logger.warning('%s is broken (%s); %r is measured again', path, problem, entry)
        return {}
