"""What all parts of a benchmark work with."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from mmengine.config import Config

from fbinpaint_mm.benchmark.data.pairs import ImageHolePairs
from fbinpaint_mm.benchmark.data.picture_files import PictureFiles
from fbinpaint_mm.benchmark.entry import Entry
from fbinpaint_mm.benchmark.metric_setup import metric_configs
from fbinpaint_mm.benchmark.result_store import ResultStore
from fbinpaint_mm.benchmark.settings import Settings
from fbinpaint_mm.user_error import in_one_line


@dataclass
class Workbench:
    """The entries, the data they are scored on, and where results are kept.

    Attributes:
        entries: With their configs.
        data_cfg: Config with the data set and its evaluator.
        settings: What the command line says besides.
        pairs: The image and hole pairs.
        metrics: Configs of the metrics.
        pictures: The pictures of all entries, on disk.
        store: The finished parts of all entries, on disk.
        logger: From ``open_log``.
        errors: Why entries failed, by name.
    """

    entries: Sequence[Entry]
    data_cfg: Config
    settings: Settings
    pairs: ImageHolePairs
    metrics: list[dict[str, Any]]
    pictures: PictureFiles
    store: ResultStore
    logger: logging.Logger
    errors: dict[str, str] = field(default_factory=dict)

    @classmethod
    def set_up(
        cls,
        entries: Sequence[Entry],
        data_cfg: Config,
        data_config: str,
        settings: Settings,
        logger: logging.Logger,
    ) -> Workbench:
        """Build everything.

        Args:
            entries: With their configs.
            data_cfg: Config with the data set and its evaluator.
            data_config: Its path.
            settings: What the command line says besides.
            logger: From ``open_log``.

        Raises:
            ValueError: The data config lacks a data loader or metrics.
        """
        out = settings.out
        return cls(
            entries=entries,
            data_cfg=data_cfg,
            settings=settings,
            pairs=ImageHolePairs(
                data_cfg, data_config, settings.split, settings.batch_size, settings.max_images
            ),
            metrics=metric_configs(data_cfg, settings.split, settings.lpips, settings.fid),
            pictures=PictureFiles(out / 'images'),
            store=ResultStore(out / 'entries', logger),
            logger=logger,
        )

    def note_failure(self, entry: Entry, error: Exception) -> None:
        """Log the traceback and keep the reason."""
        self.errors[entry.name] = in_one_line(error)
        self.logger.error('%s failed', entry.name, exc_info=error)
