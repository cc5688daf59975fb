"""What a part of a training waits for: a hook, an optimizer, a sampler."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from mmengine.hooks import Hook
from mmengine.runner import Runner

from fbinpaint_mm.datasets import LabeledRatioBatchSampler
from fbinpaint_mm.engine.hooks.feedback_hook import FeedbackHook
from fbinpaint_mm.engine.hooks.mean_teacher_hook import MeanTeacherHook
from fbinpaint_mm.engine.hooks.utils import unwrapped_model
from fbinpaint_mm.models import FeedbackRecorrectionInpaintor, SemiSupervisedDataPreprocessor
from fbinpaint_mm.user_error import UserError

NETWORKS = ('generator', 'disc')  # children that inpaintors, ours and mmagic's, step in turn


def check_counterparts(runner: Runner) -> None:
    """Refuses a training in which a part would do nothing, or fail late, without another one.

    Args:
        runner: Of a training that has not begun. Its data sets are read.

    Raises:
        UserError: The part, what it waits for, and the setting that brings it.
    """
    model = unwrapped_model(runner.model)
    for kind, part in _needed_hooks(model):
        _check_hook(runner.hooks, kind, part)
    _check_optimizers(runner.optim_wrapper, model)
    _check_classes(runner, model)
    if isinstance(model, FeedbackRecorrectionInpaintor):
        _check_data(runner, model.data_preprocessor)


def _needed_hooks(model: Any) -> Iterator[tuple[type[Hook], str]]:
    """Hooks without which the model trains, but not as it says, and the part that needs each."""
    # A model of another kind that can be linked, see `FeedbackModel`, need not tell its memory.
    if hasattr(model, 'link_feedback') and getattr(model, 'class_memory', model) is not None:
        yield FeedbackHook, 'the feedback, the strength and the class memory of the model'
    elif getattr(model, 'only_last_learns', False) and model.rounds > 1:
        yield FeedbackHook, 'train_cfg.only_last_learns, where rounds take turns,'
    if hasattr(getattr(model, 'teacher', None), 'follow'):
        yield MeanTeacherHook, 'the teacher of the model'


def _check_hook(hooks: list[Hook], kind: type[Hook], part: str) -> None:
    number = sum(isinstance(hook, kind) for hook in hooks)
    if number == 0:
        raise UserError(
            f'custom_hooks has no {kind.__name__}, without which {part} would stand still. A '
            "config's own list replaces the inherited one; to add to it write custom_hooks = "
            '[*_base_.custom_hooks, dict(type=...)], or, on a file of _base_/models, custom_hooks '
            '= [*_base_.feedback_hooks, *_base_.custom_hooks, dict(type=...)]'
        )
    if number > 1:
        raise UserError(f'custom_hooks has {kind.__name__} {number} times, expected it once')


def _check_optimizers(optim_wrapper: Any, model: Any) -> None:
    """Each network that learns has an optimizer, where a config names them."""
    if not isinstance(optim_wrapper, Mapping):
        return
    named = list(optim_wrapper)
    if 'optimizer' in named:  # one for the whole model; ours steps its networks in turn
        named = ['generator'] if isinstance(model, FeedbackRecorrectionInpaintor) else []
    children = dict(model.named_children())
    for name in [name for name in NETWORKS if name in children]:
        learns = any(parameter.requires_grad for parameter in children[name].parameters())
        if learns and named and not any(one.partition('.')[0] == name for one in named):
            raise UserError(
                f'optim_wrapper has no optimizer for model.{name}: add '
                f"{name}=dict(type='OptimWrapper', optimizer=dict(...)) to it, with "
                "constructor='MultiOptimWrapperConstructor'"
            )


def _check_classes(runner: Runner, model: Any) -> None:
    """Maps have as many channels as the data have classes: what is over would never be learned."""
    place = (
        'model.generator.segmentor.decode_head' if hasattr(model, 'loop') else 'model.decode_head'
    )
    head: Any = getattr(getattr(model, 'loop', model), 'decode_head', None)
    if not hasattr(head, 'num_classes'):
        return
    dataset = runner.train_dataloader.dataset
    names = (getattr(dataset, 'metainfo', None) or {}).get('classes')
    if names and len(names) != head.num_classes:
        raise UserError(
            f'{place}.num_classes: found {head.num_classes}, expected {len(names)}, the number of '
            f'classes of train_dataloader.dataset ({type(dataset).__name__})'
        )


def _check_data(runner: Runner, preprocessor: Any) -> None:
    """Batches are those that the model can learn from."""
    if not isinstance(preprocessor, SemiSupervisedDataPreprocessor):
        raise UserError(
            f'model.data_preprocessor is a {type(preprocessor).__name__}, expected a '
            'SemiSupervisedDataPreprocessor, which tells labeled samples from others'
        )
    loader = runner.train_dataloader
    is_mixed = len(getattr(loader.dataset, 'unlabeled_indices', ())) > 0
    by_chance = not isinstance(loader.batch_sampler, LabeledRatioBatchSampler)
    if preprocessor.min_labeled and is_mixed and by_chance:
        raise UserError(
            f'model.data_preprocessor.min_labeled is {preprocessor.min_labeled}, which only '
            "train_dataloader.batch_sampler=dict(type='LabeledRatioBatchSampler') keeps where "
            'images are without labels: use it, or set min_labeled=0'
        )
