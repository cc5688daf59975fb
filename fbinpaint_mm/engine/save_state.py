"""Saves a run between two iterations, outside the schedule of its checkpoints."""

from __future__ import annotations

from pathlib import Path

from mmengine.dist import barrier, is_main_process
from mmengine.runner import Runner

from fbinpaint_mm.engine.whole_file_backend import WHOLE_FILE
from fbinpaint_mm.write_file import write_file


def save_state(runner: Runner, iterations: int | None = None) -> Path:
    """Write ``iter_N.pth``, N the iterations that are done, and name it in ``last_checkpoint``.

    Every rank has to call it; none returns before the file is whole, since the first process of a
    launched group that ends takes the others with it. ``CheckpointHook`` does not know of the file
    and never removes it.

    Args:
        runner: Between two iterations, or with the state that it had there.
        iterations: N; ``runner.iter`` by default, which a hook after an iteration finds not yet
            raised.

    Returns:
        The checkpoint in the work directory; ``--resume`` continues from it.

    Raises:
        OSError: It cannot be written; older checkpoints are intact.
    """
    iterations = runner.iter if iterations is None else iterations
    path = Path(runner.work_dir, f'iter_{iterations}.pth')
    try:
        runner.save_checkpoint(
            runner.work_dir,
            path.name,
            meta=dict(epoch=runner.epoch, iter=iterations),
            by_epoch=False,
            backend_args=dict(backend=WHOLE_FILE),
        )
        if is_main_process():
            write_file(path.with_name('last_checkpoint'), str(path), durable=True)
    finally:
        barrier()
    return path
