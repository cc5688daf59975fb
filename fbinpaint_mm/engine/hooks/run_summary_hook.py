"""What a training is about to do, in the lines before its first iteration."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from mmagic.registry import HOOKS
from mmengine.device import get_device
from mmengine.dist import get_world_size, master_only
from mmengine.hooks import CheckpointHook, Hook
from mmengine.runner import EpochBasedTrainLoop, Runner
from torch import nn

from fbinpaint_mm.engine.hooks.utils import unwrapped_model, validation_interval
from fbinpaint_mm.models.networks import MIGANEncoderDecoder, TorchvisionMobileNetV2
from fbinpaint_mm.models.pretrained_start import pretrained_starts


@HOOKS.register_module()
class RunSummaryHook(Hook):
    """Log data, model and plan of a training.

    It works with any model, data set and loop, and tells of each what there is. A warning says that
    a segmentor, or MI-GAN's network, starts from random weights.
    """

    priority = 'LOWEST'  # the last lines before the first iteration

    @master_only
    def before_train(self, runner: Runner) -> None:
        """Log data, model and plan."""
        model = unwrapped_model(runner.model)
        for text in (describe_data(runner), describe_model(model), describe_plan(runner)):
            runner.logger.info(text)
        runner.logger.info(f'Log, with configuration and environment: {runner.logger.log_file}')
        is_new = not (runner.iter or runner.cfg.get('load_from'))
        if is_new and is_migan_random(model):
            runner.logger.warning(
                "MI-GAN's network starts from random weights. To start from its public ones, "
                'convert them by tools/convert_migan.py and set FBINPAINT_MIGAN'
            )
        if is_new and starts_from_nothing(model):
            runner.logger.warning(
                'The segmentor starts from random weights. To start from a checkpoint, give it '
                "init_cfg=dict(type='Pretrained', checkpoint=...), or its backbone"
            )


def describe_data(runner: Runner) -> str:
    """Number of images to train with, of those with labels, and of images to validate with."""
    dataset = runner.train_dataloader.dataset
    text = f'Data: {len(dataset)} images'
    if hasattr(dataset, 'labeled_indices'):
        text += f', {len(dataset.labeled_indices)} labeled'
    classes = (getattr(dataset, 'metainfo', None) or {}).get('classes')
    if classes:
        text += f', {len(classes)} classes'
    sizes = [len(loader.dataset) for loader in validation_loaders(runner)]
    return f'{text}; {" + ".join(map(str, sizes)) or "none"} to validate'


def validation_loaders(runner: Runner) -> list[Any]:
    """The data loaders of mmagic's or mmengine's validation loop; none without one."""
    loop = runner.val_loop
    return getattr(loop, 'dataloaders', None) or ([loop.dataloader] if loop is not None else [])


def describe_model(model: nn.Module) -> str:
    """Rounds, and number of parameters of every network, those that learn apart from the others."""
    sizes = {name: list(part.parameters()) for name, part in networks_of(model)}
    text = f'Model: {type(model).__name__}'
    if hasattr(model, 'rounds'):
        text += f', {model.rounds} rounds'
    for title, learns in (('parameters that learn', True), ('fixed', False)):
        counts = {
            name: sum(one.numel() for one in parameters if one.requires_grad == learns)
            for name, parameters in sizes.items()
        }
        named = ', '.join(f'{name} {readable(count)}' for name, count in counts.items() if count)
        text += f'; {title}: {named}' if named else ''
    return text


def networks_of(model: nn.Module) -> Iterator[tuple[str, nn.Module]]:
    """The parts of a model by name; of a feedback loop its parts."""
    loop = getattr(model, 'loop', None)
    for name, child in model.named_children():
        part: nn.Module = unwrapped_model(child)
        if part is loop:
            yield from part.named_children()
        else:
            yield name, part


def readable(count: int) -> str:
    """A number of parameters: ``'1.25 M'``, ``'3.2 k'``."""
    return f'{count / 1e6:.2f} M' if count >= 1e4 else f'{count / 1e3:.1f} k'


def describe_plan(runner: Runner) -> str:
    """Iterations, size of a batch, and how often the model is validated and saved."""
    loader, world = runner.train_dataloader, get_world_size()
    size = getattr(loader.batch_sampler, 'batch_size', None) or loader.batch_size
    batch = f'{size} images' if world == 1 else f'{size} images in each of {world} processes'
    reached = f', {runner.iter} of them done' if runner.iter else ''
    parts = [f'Plan: {runner.max_iters} iterations{reached}; batches of {batch}; {get_device()}']
    if runner.val_loop is not None:
        parts.append(f'validation {how_often(runner, validation_interval(runner))}')
    parts += [f'checkpoint {how_often(runner, every)}' for every in checkpoint_intervals(runner)]
    return '; '.join([*parts, f'in {runner.work_dir}'])


def how_often(runner: Runner, every: int) -> str:
    """``'every 100 and at the end'``, or only at the end of a shorter training."""
    return 'at the end' if every >= runner.max_iters else f'every {every} and at the end'


def checkpoint_intervals(runner: Runner) -> Iterator[int]:
    """Iterations between two checkpoints, of each hook that saves them."""
    by_epoch = isinstance(runner.train_loop, EpochBasedTrainLoop)
    for hook in runner.hooks:
        if isinstance(hook, CheckpointHook) and hook.interval > 0:
            factor = len(runner.train_dataloader) if by_epoch and hook.by_epoch else 1
            yield hook.interval * factor


def is_migan_random(model: nn.Module) -> bool:
    """Whether one of MI-GAN's networks with noise maps, as the public one has, names no start."""
    return any(
        isinstance(part, MIGANEncoderDecoder)
        and any(name.endswith('.noise') for name, _ in part.named_buffers())
        and not any(pretrained_starts(part))
        for part in model.modules()
    )


def starts_from_nothing(model: nn.Module) -> bool:
    """Whether a model has a segmentor of mmseg, and nothing in it names weights to start from."""
    loop = getattr(model, 'loop', model)
    segmentor = model if hasattr(model, 'decode_head') else getattr(loop, 'segmentor', None)
    if segmentor is None:
        return False
    parts = [model, loop, *segmentor.modules()]
    # MobileNetV2 reads its weights by a setting of its own, and warns if there are none.
    return not any(
        isinstance(part, TorchvisionMobileNetV2) or any(pretrained_starts(part)) for part in parts
    )
