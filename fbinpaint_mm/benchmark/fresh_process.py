"""Calls functions in processes of their own: nothing else fills their memory or their log."""

from __future__ import annotations

import multiprocessing
import os
import traceback
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import torch
from mmengine.config import Config
from mmengine.registry import init_default_scope
from mmengine.utils import import_modules_from_strings

from fbinpaint_mm.safe_loading import loading, trusts
from fbinpaint_mm.user_error import in_one_line

# A forked process would inherit the memory of this one, and cannot use a GPU that this one uses.
SPAWN = multiprocessing.get_context('spawn')
POLL = 0.5  # seconds
VISIBLE_GPUS = 'CUDA_VISIBLE_DEVICES'
STREAMS = (1, 2)  # standard output and errors, of compiled code too


def call_in_process(
    function: Callable[..., Any],
    *arguments: Any,
    log: Path,
    device: str,
    watch: Callable[[], None] = lambda: None,
) -> Any:
    """Call a function in a new process, which does not outlive an interruption by the user.

    Args:
        function: Of a module, so that the process can import it.
        *arguments: What pickle can carry.
        log: File that the output of the process is added to.
        device: Such as ``'cuda'``; ``'cpu'`` hides the GPUs from the process.
        watch: Called about twice a second meanwhile, and once at the end.

    Returns:
        What the function returns.

    Raises:
        ChildProcessError: The function failed or the process was killed; the message names the log.
    """
    others = set(multiprocessing.active_children())  # such as workers of a data loader
    with ProcessPoolExecutor(1, mp_context=SPAWN) as pool:
        with surroundings(log, device):  # the process is started when it gets its work
            future = pool.submit(_call, log, trusts(), function, arguments)
        try:
            while not wait([future], timeout=POLL).done:
                watch()
        except KeyboardInterrupt:
            for process in set(multiprocessing.active_children()) - others:
                process.terminate()
            raise
    watch()
    try:
        return future.result()
    except BrokenProcessPool as error:
        raise ChildProcessError(f'the process was killed (log: {log})') from error


def restore_config(settings: dict[str, Any]) -> Config:
    """In the new process: a config that came as a dict, what it imports registered once more."""
    init_default_scope('mmagic')
    cfg = Config(settings)
    if cfg.get('custom_imports'):
        import_modules_from_strings(**cfg.custom_imports)
    return cfg


@contextmanager
def surroundings(log: Path, device: str) -> Iterator[None]:
    """What processes that are started meanwhile find.

    Args:
        log: File that their output is added to, from their very first import on.
        device: Such as ``'cuda'``; ``'cpu'`` hides the GPUs from them.
    """
    log.parent.mkdir(parents=True, exist_ok=True)
    visible = os.environ.get(VISIBLE_GPUS)
    outputs = [os.dup(stream) for stream in STREAMS]
    try:
        if torch.device(device).type == 'cpu':
            os.environ[VISIBLE_GPUS] = ''
        with log.open('ab') as file:
            for stream in STREAMS:
                os.dup2(file.fileno(), stream)
        yield
    finally:
        for stream, output in zip(STREAMS, outputs, strict=True):
            os.dup2(output, stream)
            os.close(output)
        os.environ.pop(VISIBLE_GPUS, None)
        if visible is not None:
            os.environ[VISIBLE_GPUS] = visible


def _call(log: Path, trust: bool, function: Callable[..., Any], arguments: tuple) -> Any:
    """In the new process: call the function, whose errors may be of any kind."""
    try:
        with loading(trust):
            return function(*arguments)
    # A tool ends with SystemExit; and not every exception can be pickled.
    except BaseException as error:
        traceback.print_exc()
        raise ChildProcessError(f'{in_one_line(error)} (log: {log})') from None
