"""Running one model over all pairs, and scoring what it makes of them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from copy import deepcopy
from pathlib import Path
from typing import Any

import torch
from mmagic.evaluation import Evaluator
from mmagic.registry import MODELS
from mmengine.evaluator import BaseMetric
from mmengine.model import BaseModel
from mmengine.runner.utils import set_random_seed

from fbinpaint_mm.benchmark.entry import Entry
from fbinpaint_mm.benchmark.pairs import ImageHolePairs, Labels
from fbinpaint_mm.benchmark.result_folder import ResultFolder
from fbinpaint_mm.checkpoint import (
    check_finite_weights,
    load_fitting_checkpoint,
)
from fbinpaint_mm.config_mistakes import mistakes_in_settings
from fbinpaint_mm.evaluation.metrics.map_metric import MapMetric
from fbinpaint_mm.evaluation.metrics.sample_wise_metric import sample_name
from fbinpaint_mm.evaluation.score_series import ScoreSeries, name_some
from fbinpaint_mm.user_error import UserError


def build_model(entry: Entry, checkpoint: str | None, device: str) -> BaseModel:
    """The model of an entry, or what stands for it, ready to be tested.

    Args:
        entry: The entry.
        checkpoint: Path or address of its weights; ``None`` for a model that does not learn.
        device: Such as ``'cpu'`` or ``'cuda'``.

    Returns:
        The model in evaluation mode.

    Raises:
        UserError: The checkpoint belongs to another model, or holds values that are not finite.
    """
    if entry.is_folder:
        return ResultFolder(Path(entry.source))
    with mistakes_in_settings(entry.cfg):
        model = MODELS.build(deepcopy(entry.cfg.model))
    if checkpoint is not None:
        load_fitting_checkpoint(model, checkpoint)
        check_finite_weights(getattr(model, 'generator', model), checkpoint)
    return model.to(device).eval()


def score_model(
    model: BaseModel,
    pairs: ImageHolePairs,
    metrics: Sequence[BaseMetric],
    save: Callable[[str, torch.Tensor], None] | None = None,
    advance: Callable[[int], None] = lambda images: None,
    labels: Labels = Labels.SEEN,
) -> tuple[list[ScoreSeries], dict[str, float]]:
    """Test a model as mmagic's ``MultiTestLoop`` does.

    Of the model's answer only ``output`` is used. Images, holes and label maps that it is compared
    with are the data set's own, so no model and no preprocessor can change what it is scored on.

    Args:
        model: From ``build_model``.
        pairs: What to inpaint, surveyed.
        metrics: From ``build_metrics``, not used before.
        save: Gets the name of each sample and its ``output.pred_img``, (3, H, W) in 0..255 BGR.
        advance: Gets the number of images of each finished batch.
        labels: Which label maps the model sees; if none, there are no scores of maps.

    Returns:
        The scores of every image, and by name those that exist for the whole set only.

    Raises:
        UserError: The model gave other images than one for each input, of its size, or images
            without a finite score.
    """
    if labels is Labels.HIDDEN:
        metrics = [metric for metric in metrics if not isinstance(metric, MapMetric)]
    set_random_seed(0)
    evaluator = Evaluator(list(metrics))
    evaluator.prepare_metrics(model, pairs.dataloader)
    evaluator.dataset_meta = getattr(pairs.dataset, 'metainfo', None)
    for batch, truths in pairs.batches(labels):
        samples = inpaint(model, batch, truths)
        evaluator.process(samples, batch, evaluator.metrics)
        if save is not None:
            for sample in samples:
                save(sample_name(sample), sample['output']['pred_img'])
        advance(len(samples))
    return reduce_scores(metrics)


@torch.no_grad()
def inpaint(model: BaseModel, batch: dict, truths: Sequence[dict]) -> list[dict[str, Any]]:
    """The fields of the data set's samples, and ``output`` as the model gave it."""
    answers = model.test_step(batch)
    if len(answers) != len(truths):
        raise UserError(f'the model gave {len(answers)} samples for {len(truths)} images')
    samples = []
    for answer, truth in zip(answers, truths, strict=True):
        output = answer.output.to_dict()
        found, expected = tuple(output['pred_img'].shape), tuple(truth['gt_img'].shape)
        if found != expected:
            raise UserError(
                f'{sample_name(truth)}: pred_img has shape {found}, expected {expected} as the '
                'image; check pad_size_divisor of the data preprocessor'
            )
        samples.append({**truth, 'output': output})
    return samples


def reduce_scores(
    metrics: Sequence[BaseMetric],
) -> tuple[list[ScoreSeries], dict[str, float]]:
    """The scores of every image, and by name those that exist for the whole set only.

    Raises:
        UserError: An image has no finite score.
    """
    series, set_scores = [], {}
    unscored: dict[str, list[str]] = {}
    for metric in metrics:
        scores = metric.evaluate()
        unscored.update(getattr(metric, 'unscored', {}))
        found = getattr(metric, 'series', None)
        if found:
            series += found
        else:
            set_scores.update({name: float(value) for name, value in scores.items()})
    if unscored:
        images = list(dict.fromkeys(name for names in unscored.values() for name in names))
        raise UserError(
            f'no finite {", ".join(unscored)} of {len(images)} images: {name_some(images)}'
        )
    return series, set_scores
