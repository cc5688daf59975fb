"""What all parts of a benchmark work with: settings, data, storage and the log."""

from __future__ import annotations

import logging
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from mmengine.config import Config
from mmengine.logging import MMLogger
from tqdm.contrib.logging import logging_redirect_tqdm

from fbinpaint_mm.apis.load_model import dataset_config
from fbinpaint_mm.benchmark.class_names import class_names
from fbinpaint_mm.benchmark.entry import Entry
from fbinpaint_mm.benchmark.metric_setup import metric_configs
from fbinpaint_mm.benchmark.pairs import ImageHolePairs, Labels
from fbinpaint_mm.benchmark.picture_files import PictureFiles
from fbinpaint_mm.benchmark.results import ResultStore
from fbinpaint_mm.datasets.transforms import DictateLabelMap
from fbinpaint_mm.engine.quiet_runner import is_for_console
from fbinpaint_mm.user_error import UserError, in_one_line

LOGGER_NAME = 'fbinpaint_mm.benchmark'
# In the folder of a benchmark.
LOG, PICTURES, ENTRIES = 'benchmark.log', 'images', 'entries'


@dataclass(frozen=True)
class Settings:
    """What the command line says, but for the entries and the data config.

    Attributes:
        out: Folder to write to.
        reference: Name of the entry that the others are compared with.
        device: Where models run: ``'cpu'`` or ``'cuda'``.
        split: ``'val'`` or ``'test'``.
        batch_size: Images per batch; ``None`` for the config's.
        max_images: Use only so many images; ``None`` for all.
        lpips: Weights of LPIPS or ``'download'``; ``None`` for no LPIPS.
        fid: Weights of the FID or ``'download'``; ``None`` for no FID.
        iterations: Iterations that the reference trains; ``None`` for no training.
        equal: ``'iterations'``, ``'seconds'`` or ``'flops'``: what all spend the same of; see
            ``budget_of``.
        seeds: Seeds of the trainings.
        speed: Whether to measure speed.
        training: Whether a sweep of sizes measures a training iteration, too.
        command: The command line, for the report.
        columns: Of the main table, see ``result_table``; ``None`` for the usual ones.
        latex: Whether to write ``results.tex``.
        figures: ``'pdf'`` or ``'svg'``: a further format of the plots; ``None`` for none.
    """

    out: Path
    reference: str
    device: str
    split: str = 'test'
    batch_size: int | None = None
    max_images: int | None = None
    lpips: str | None = None
    fid: str | None = None
    iterations: int | None = None
    equal: str = 'iterations'
    seeds: Sequence[int] = (0,)
    speed: bool = True
    training: bool = False
    command: Sequence[str] = ()
    columns: Sequence[str] | None = None
    latex: bool = False
    figures: str | None = None


class Workbench:
    """The entries, the data they are scored on, and where results are kept.

    Args:
        entries: With their configs.
        data_cfg: Config with the data set and its evaluator.
        data_config: Its path.
        settings: What the command line says besides.
        logger: From ``open_log``.

    Attributes:
        pairs: The image and hole pairs.
        metrics: Configs of the metrics.
        pictures: The pictures of all entries, on disk.
        store: The finished parts of all entries, on disk.
        errors: Why entries failed, by name.
        other_classes: After ``compare_classes``: names of the entries whose classes are not those
            of the data.

    Raises:
        UserError: The data config lacks a data loader or metrics.
    """

    def __init__(
        self,
        entries: Sequence[Entry],
        data_cfg: Config,
        data_config: str,
        settings: Settings,
        logger: logging.Logger,
    ) -> None:
        self.entries = entries
        self.data_cfg = data_cfg
        self.settings = settings
        self.logger = logger
        split = settings.split
        self.pairs = ImageHolePairs(
            data_cfg, data_config, split, settings.batch_size, settings.max_images
        )
        self.metrics = metric_configs(data_cfg, split, settings.lpips, settings.fid)
        self.pictures = PictureFiles(settings.out / PICTURES)
        self.store = ResultStore(settings.out / ENTRIES, logger)
        self.errors: dict[str, str] = {}
        self.other_classes: list[str] = []

    def shares_classes(self, entry: Entry) -> bool:
        """Whether the label maps mean to an entry what they mean to the data.

        Not if both name their classes and the names, or their order, differ: the numbers in the
        maps would stand for other things, however many there are. Where an entry names none, the
        number of its classes counts; what nobody knows is taken to be right.
        """
        theirs = tuple(getattr(self.pairs.dataset, 'metainfo', {}).get('classes') or ())
        ours = class_names(entry)
        number = (entry.cfg.model.get('data_preprocessor') or {}).get('num_classes')
        if ours and theirs:
            return ours == theirs
        return not (number and theirs) or number == len(theirs)

    def labels_for(self, entry: Entry) -> Labels:
        """Which label maps an entry sees; the true ones guide it if its config dictates them.

        Raises:
            UserError: They are to guide it, but its classes are not those of the data.
        """
        labeled, dictated = entry.name not in self.other_classes, self._dictates(entry)
        if dictated and not labeled:
            raise UserError(
                f'{entry.name}: the true map is to guide it (DictateLabelMap in {entry.source}), '
                f'but the classes of {self.pairs.config} are others'
            )
        return Labels.DICTATED if dictated else Labels.SEEN if labeled else Labels.HIDDEN

    def _dictates(self, entry: Entry) -> bool:
        dataset = dataset_config(entry.cfg, [self.settings.split]) or {}
        kinds = [step.get('type') for step in dataset.get('pipeline') or ()]
        names = [getattr(kind, '__name__', str(kind)).rpartition('.')[2] for kind in kinds]
        return DictateLabelMap.__name__ in names

    def note_failure(self, entry: Entry, error: Exception) -> None:
        """Log and keep the reason, and log the traceback of what is no mistake of the user."""
        self.errors[entry.name] = in_one_line(error)
        bug = None if isinstance(error, (UserError, OSError)) else error
        self.logger.error('%s failed: %s', entry.name, self.errors[entry.name], exc_info=bug)

    def compare_classes(self) -> None:
        """Find the ``other_classes``; an entry that cannot be read is noted as failed."""
        for entry in self.entries:
            try:
                shared = self.shares_classes(entry)
            except Exception as error:
                self.note_failure(entry, error)
                continue
            if not shared:
                self.other_classes.append(entry.name)
                text = '%s: its classes are not those of the data; it gets no scores of maps'
                self.logger.warning(text, entry.name)


@contextmanager
def open_log(path: Path) -> Iterator[logging.Logger]:
    """A logger to the screen, whose lines do not tear progress bars apart, and to a file.

    mmengine's own says no more than in a training.

    Args:
        path: File that the lines are added to, with their time.

    Yields:
        The logger.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    logger = logging.getLogger(LOGGER_NAME)
    logger.setLevel(logging.INFO)
    logger.propagate = False
    screen, file = logging.StreamHandler(sys.stderr), logging.FileHandler(path, encoding='utf-8')
    file.setFormatter(logging.Formatter('%(asctime)s %(levelname)s %(message)s'))
    for handler in (screen, file):
        logger.addHandler(handler)
    for handler in MMLogger.get_current_instance().handlers:
        handler.addFilter(is_for_console)
    try:
        with logging_redirect_tqdm([logger]):
            yield logger
    finally:
        for handler in (screen, file):
            logger.removeHandler(handler)
            handler.close()
