"""The state of a run between two iterations: saved whole or not at all, copied and put back."""

from __future__ import annotations

import copy
from collections.abc import Iterable
from pathlib import Path

import torch
from mmengine.dist import all_reduce, barrier, get_comm_device, get_world_size, is_main_process
from mmengine.fileio import LocalBackend, register_backend
from mmengine.optim import OptimWrapper, OptimWrapperDict
from mmengine.runner import Runner
from torch import Tensor, nn

from fbinpaint_mm.write_file import write_file

WHOLE_FILE = 'whole_file'


@register_backend(WHOLE_FILE)
class WholeFileBackend(LocalBackend):
    """mmengine's local backend, whose ``put`` cannot leave half a file.

    mmengine's own writes to the final name: a process that is killed, or a disk that fills up
    meanwhile, leaves a truncated checkpoint there. Chosen by
    ``backend_args=dict(backend='whole_file')``.
    """

    def put(self, obj: bytes, filepath: str | Path) -> None:
        """Write a file in one step.

        Args:
            obj: Its content.
            filepath: Its path; folders are made.

        Raises:
            OSError: The disk is full or refuses, see :func:`fbinpaint_mm.write_file.write_file`.
        """
        write_file(Path(filepath), obj, durable=True)


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


def on_any_rank(seen: bool) -> bool:
    """Whether any rank says yes; every rank must ask in the same iterations.

    Args:
        seen: The answer of this rank; that of all in a single process.
    """
    if get_world_size() == 1:
        return seen
    flag = torch.tensor(int(seen), device=get_comm_device())
    all_reduce(flag, op='max')
    return bool(flag)


class StateCopy:
    """Copies a model's buffers and some of its parameters, and puts them back.

    Buffers (statistics of normalization layers, vectors of spectral norms) change in the forward
    pass; the parameters of a network that is updated first, such as a discriminator, change before
    the losses of the next network are computed. Everything else changes in the last update only.

    Args:
        model: Its buffers are copied.
        optim_wrapper: The Runner's.
        networks: Keys of ``optim_wrapper`` whose parameters and optimizer state are copied too;
            keys that it does not have, and a single wrapper, are passed over.
    """

    def __init__(
        self,
        model: nn.Module,
        optim_wrapper: OptimWrapper | OptimWrapperDict,
        networks: Iterable[str],
    ) -> None:
        several = isinstance(optim_wrapper, OptimWrapperDict)
        self.wrappers = [optim_wrapper[n] for n in networks if several and n in optim_wrapper]
        self.model = model
        self.tensors: list[Tensor] = []
        self.optimizers: list[dict] = []

    def take(self) -> None:
        """Copies the state of now."""
        self.tensors = [tensor.detach().clone() for tensor in self._live_tensors()]
        self.optimizers = [copy.deepcopy(wrapper.state_dict()) for wrapper in self.wrappers]

    @torch.no_grad()
    def restore(self) -> None:
        """Puts the last copy back."""
        for tensor, value in zip(self._live_tensors(), self.tensors, strict=True):
            tensor.copy_(value)
        for wrapper, state in zip(self.wrappers, self.optimizers, strict=True):
            wrapper.load_state_dict(copy.deepcopy(state))

    def _live_tensors(self) -> list[Tensor]:
        groups = [group for w in self.wrappers for group in w.optimizer.param_groups]
        return [*self.model.buffers(), *(p for group in groups for p in group['params'])]
