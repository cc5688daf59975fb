"""The log of a benchmark: on the screen, past progress bars, and in a file."""

from __future__ import annotations

import logging
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tqdm.contrib.logging import logging_redirect_tqdm

NAME = 'fbinpaint_mm.benchmark'


@contextmanager
def open_log(path: Path) -> Iterator[logging.Logger]:
    """A logger whose lines do not tear the progress bars apart.

    Args:
        path: File that the lines are added to, with their time.

    Yields:
        The logger.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    logger = logging.getLogger(NAME)
    logger.setLevel(logging.INFO)
    logger.propagate = False
    screen, file = logging.StreamHandler(sys.stderr), logging.FileHandler(path, encoding='utf-8')
    file.setFormatter(logging.Formatter('%(asctime)s %(levelname)s %(message)s'))
    for handler in (screen, file):
        logger.addHandler(handler)
    try:
        with logging_redirect_tqdm([logger]):
            yield logger
    finally:
        for handler in (screen, file):
            logger.removeHandler(handler)
            handler.close()
