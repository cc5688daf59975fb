"""Shows what the class memory holds: where the prototypes lie, how alike, how far they moved."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from mmagic.registry import HOOKS
from mmengine.dist import master_only
from mmengine.hooks import Hook
from mmengine.runner import Runner
from torch import Tensor

from fbinpaint_mm.engine.hooks.utils import is_due, unwrapped_model
from fbinpaint_mm.models.feedback import ClassMemory
from fbinpaint_mm.user_error import UserError
from fbinpaint_mm.visualization.drawing import default_palette
from fbinpaint_mm.visualization.prototype_figures import draw_cosines, draw_prototype_map

LOGGED = 'class_memory_logged'


@HOOKS.register_module()
class ClassMemoryHook(Hook):
    """Log pictures and numbers of the class memory to every back end of the visualizer.

    Whenever it is time: ``class_memory_map``, the prototypes in the plane of their principal
    components (see ``project_to_plane``); ``class_memory_cosines``, the cosine between each two;
    and the scalars ``class_memory/seen``, the number of classes with a prototype, and
    ``class_memory/moved/<class>``, the angle in degrees, 0..180, between the prototype and what it
    was when it was logged last (for classes seen both times; a resumed run goes on from the log
    before). At the end of training the prototypes go to TensorBoard's projector, under the tag
    ``class_memory``.

    Names and colors are those of the data set. The hook needs of the (unwrapped) model
    ``class_memory``, a :class:`ClassMemory`; without one (another model, or no segmentor) it does
    nothing, and says so once.

    Args:
        interval: Iterations between two logs; ``None`` for those that a validation follows.

    Raises:
        UserError: If ``interval`` is below 1.
    """

    # After FeedbackHook, which moves the prototypes.
    priority = 'LOW'

    def __init__(self, interval: int | None = None) -> None:
        if interval is not None and interval < 1:
            raise UserError(f'interval of ClassMemoryHook must be at least 1, got {interval}')
        self.interval = interval

    @master_only
    def before_train(self, runner: Runner) -> None:
        """Say so if there is nothing to log."""
        if class_memory_of(runner) is None:
            name = type(unwrapped_model(runner.model)).__name__
            runner.logger.info(f'ClassMemoryHook does nothing: {name} has no class memory')

    @master_only
    def after_train_iter(
        self,
        runner: Runner,
        batch_idx: int,
        data_batch: dict | None = None,
        outputs: dict | None = None,
    ) -> None:
        """Log pictures and numbers, if it is time."""
        memory = class_memory_of(runner)
        if memory is None or not is_due(runner, self.interval):
            return
        classes, step = class_names(runner, memory), runner.iter + 1
        scalars = {'class_memory/seen': int(memory.seen.sum())}
        for name, angle in zip(classes, self._moved(runner, memory).tolist(), strict=True):
            if angle == angle:  # not nan
                scalars[f'class_memory/moved/{name}'] = angle
        runner.visualizer.add_scalars(scalars, step=step)
        if memory.seen.any():
            self._draw(runner, memory, classes, step)

    @master_only
    def after_train(self, runner: Runner) -> None:
        """Hand the prototypes to TensorBoard's projector, if there is one."""
        memory = class_memory_of(runner)
        backend = runner.visualizer.get_backend('TensorboardVisBackend')
        if memory is None or backend is None or not memory.seen.any():
            return
        names = class_names(runner, memory)
        backend.experiment.add_embedding(
            memory.get_buffer('prototypes')[memory.seen],
            metadata=[names[index] for index in memory.seen.nonzero().flatten().tolist()],
            global_step=runner.iter,
            tag='class_memory',
        )

    @staticmethod
    def _moved(runner: Runner, memory: ClassMemory) -> Tensor:
        """(K,) angles since the last log in degrees, nan where not known; notes the prototypes."""
        now = memory.get_buffer('prototypes').detach().cpu().clone()
        before = runner.message_hub.runtime_info.get(LOGGED, torch.zeros_like(now))
        # Checkpoints keep it: a resumed run compares with the log before.
        runner.message_hub.update_info(LOGGED, now)
        return angles_between(before, now)

    @staticmethod
    def _draw(runner: Runner, memory: ClassMemory, classes: list[str], step: int) -> None:
        palette = (runner.visualizer.dataset_meta or {}).get('palette') or ()
        if len(palette) < len(classes):
            palette = default_palette(len(classes))
        prototypes, seen = memory.get_buffer('prototypes').detach().cpu(), memory.seen.cpu()
        title = f'Class memory in the plane   iteration {step}'
        picture = draw_prototype_map(prototypes, seen, classes, palette, title)
        runner.visualizer.add_image('class_memory_map', picture, step)
        title = f'Cosine between the class prototypes   iteration {step}'
        picture = draw_cosines(prototypes, seen, classes, title)
        runner.visualizer.add_image('class_memory_cosines', picture, step)


def class_memory_of(runner: Runner) -> ClassMemory | None:
    """The class memory of the run's model, if it has one."""
    return getattr(unwrapped_model(runner.model), 'class_memory', None)


def class_names(runner: Runner, memory: ClassMemory) -> list[str]:
    """Name of each class: the data set's, or a number."""
    known = list((runner.visualizer.dataset_meta or {}).get('classes') or ())
    numbers = range(len(known), memory.num_classes)
    return [*known, *(f'class {index}' for index in numbers)][: memory.num_classes]


def angles_between(before: Tensor, after: Tensor) -> Tensor:
    """Angle between vectors, exact for small angles too (W. Kahan, 2 atan2(|u - v|, |u + v|)).

    Args:
        before: (K, C) float.
        after: (K, C) float.

    Returns:
        (K,) float64 degrees in [0, 180]; nan where one of the two is zero.
    """
    u, v = (F.normalize(one.double(), dim=1) for one in (before, after))
    angles = 2 * torch.atan2((u - v).norm(dim=1), (u + v).norm(dim=1))
    known = (u.abs().sum(1) > 0) & (v.abs().sum(1) > 0)
    return torch.rad2deg(angles).where(known, float('nan'))
