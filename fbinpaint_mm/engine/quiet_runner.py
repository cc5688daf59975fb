"""What of a run's log is shown on the console; the file has all of it."""

from __future__ import annotations

import logging
import re
from typing import Any

from mmengine.logging import MMLogger
from mmengine.registry import RUNNERS
from mmengine.runner import Runner

# Messages of mmengine and mmagic that nobody acts on while a training runs, by their text.
FILE_ONLY = re.compile(
    # Hundreds of lines each, before the first useful one.
    r'\n-+\nSystem environment:|Config:\n|Hooks will be executed|paramwise_options -- '
    r'|.* is skipped since its requires_grad=False|Add to optimizer '
    # Ours: no prefix of a metric is wanted, and the reading of files is mmengine's own.
    r'|The prefix is not set|"FileClient" will be|"HardDiskBackend" is the alias'
    # Said again in the summary or in the next line.
    r'|Distributed training is not used|Checkpoints will be saved|Loads checkpoint by|Exp name: '
    r'|The previous best checkpoint'
)


@RUNNERS.register_module()
class QuietRunner(Runner):
    """mmengine's Runner with a console for people; its log file is mmengine's.

    The console leaves out what ``FILE_ONLY`` matches and records with ``file_only`` set
    (``logger.info(text, extra={'file_only': True})``), and leaves the name of the logger out.
    """

    def build_logger(self, *args: Any, **kwargs: Any) -> MMLogger:
        """The logger of the run; arguments as of mmengine's."""
        logger = super().build_logger(*args, **kwargs)
        for handler in logger.handlers:
            if not isinstance(handler, logging.FileHandler):
                handler.addFilter(is_for_console)
                shown = handler.formatter  # mmengine's, whose formats are public
                shown.info_format = '%(asctime)s %(message)s'
                shown.warn_format = shown.warn_format.replace('%(name)s - ', '')
        return logger


def is_for_console(record: logging.LogRecord) -> bool:
    """Whether people should see a message while the training runs; errors always are."""
    if record.levelno >= logging.ERROR:
        return True
    return not (getattr(record, 'file_only', False) or FILE_ONLY.match(record.getMessage()))
