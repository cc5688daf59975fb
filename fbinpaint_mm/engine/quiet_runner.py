"""What of a run's log is shown on the console; the file has all of it."""

from __future__ import annotations

import contextlib
import io
import logging
import re
import sys
from typing import Any

from mmengine.logging import MMLogger
from mmengine.registry import RUNNERS
from mmengine.runner import Runner

from fbinpaint_mm.checkpoint import parts_without_weights, weights_of
from fbinpaint_mm.engine.hooks.utils import unwrapped_model

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
NO_MATCH = 'do not match exactly'  # of mmengine's list of what does not fit


@RUNNERS.register_module()
class QuietRunner(Runner):
    """mmengine's Runner with a console for people; its log file is mmengine's.

    The console leaves out what ``FILE_ONLY`` matches and records with ``file_only`` set
    (``logger.info(text, extra={'file_only': True})``), and leaves the name of the logger out. Of a
    log file that cannot be written it says so once, and the run goes on.
    """

    def build_logger(self, *args: Any, **kwargs: Any) -> MMLogger:
        """The logger of the run; arguments as of mmengine's."""
        logger = super().build_logger(*args, **kwargs)
        for handler in logger.handlers:
            if isinstance(handler, logging.FileHandler):
                handler.handleError = Unwritten(handler)  # type: ignore[method-assign]
            else:
                handler.addFilter(is_for_console)
                shown = handler.formatter  # mmengine's, whose formats are public
                shown.info_format = '%(asctime)s %(message)s'
                shown.warn_format = shown.warn_format.replace('%(name)s - ', '')
        return logger

    def load_checkpoint(self, filename: str, *args: Any, **kwargs: Any) -> dict:
        """As mmengine's, which prints what does not fit: it goes to the log file."""
        with contextlib.redirect_stdout(io.StringIO()) as printed:
            checkpoint = super().load_checkpoint(filename, *args, **kwargs)
        text = printed.getvalue().strip()
        if text:
            self.logger.info(text, extra={'file_only': True})
        if NO_MATCH in text:
            weights = weights_of(checkpoint, filename)
            absent = parts_without_weights(unwrapped_model(self.model), weights)
            told = f' has nothing for {", ".join(absent)}' if absent else ' does not fit in part'
            self.logger.warning(f'{filename}{told}; the log file names all')
        return checkpoint


class Unwritten:
    """What a handler does instead of showing a traceback for each line that it cannot write.

    Args:
        handler: Of a log file. Errors of another kind than of the file are shown as ever.
    """

    def __init__(self, handler: logging.FileHandler) -> None:
        self.handler = handler
        self.is_told = False

    def __call__(self, record: logging.LogRecord) -> None:
        """Called while the error is handled."""
        error = sys.exc_info()[1]
        if not isinstance(error, OSError):
            logging.Handler.handleError(self.handler, record)
        elif not self.is_told:
            self.is_told = True
            name = self.handler.baseFilename
            print(f'The log {name!r} is cut off: {error.strerror}', file=sys.stderr)


def is_for_console(record: logging.LogRecord) -> bool:
    """Whether people should see a message while the training runs; errors always are."""
    if record.levelno >= logging.ERROR:
        return True
    return not (getattr(record, 'file_only', False) or FILE_ONLY.match(record.getMessage()))
