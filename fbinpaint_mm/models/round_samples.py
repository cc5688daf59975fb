"""Rounds as samples: what a prediction gives, and what a training step keeps for its pictures."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

import torch
import torch.nn.functional as F
from mmagic.models.data_preprocessors import DataPreprocessor
from mmagic.structures import DataSample
from torch import Tensor

from fbinpaint_mm.models.mean_teacher import PseudoLabels
from fbinpaint_mm.models.round import Round


def round_samples(
    preprocessor: DataPreprocessor,
    results: Sequence[Round],
    data_samples: DataSample,
    inputs: Tensor,
) -> list[DataSample]:
    """Split a batch into samples with predictions, in mmagic's convention.

    Args:
        preprocessor: The one that normalized and padded the batch.
        results: The R + 1 rounds.
        data_samples: The stacked sample of the batch.
        inputs: (N, 3, H, W) float masked images in [-1, 1].

    Returns:
        One sample per image, with ``input`` (3, H, W) in 0..255 BGR and ``output``, a sample with
        ``pred_img``, ``fake_img`` (composite of the last round) and ``fake_res`` (raw), (3, H, W)
        float in 0..255 BGR; ``round_imgs`` (R+1, 3, H, W) likewise; ``round_confidences``
        (R+1, 1, H, W) in [0, 1]; and, with a segmentor and R > 0, ``round_segs`` (R, H, W) int64,
        the maps that guided rounds 1..R, and ``round_raw_segs`` likewise, the segmentor's own maps
        before they were corrected.
    """
    destruct = partial(preprocessor.destruct, data_samples=data_samples)
    images = torch.stack([_to_8_bit_range(preprocessor, r, data_samples) for r in results], dim=1)
    size = images.shape[-2:]
    confidences = torch.stack([r.confidence for r in results], 1)
    output = DataSample(
        fake_res=destruct(results[-1].raw),
        fake_img=images[:, -1],
        pred_img=images[:, -1],
        round_imgs=images,
        round_confidences=cropped(confidences, size),
    )
    output.set_tensor_data(_maps(results, size))
    return split_predictions(data_samples, output, destruct(inputs))


@torch.no_grad()
def training_samples(
    preprocessor: DataPreprocessor,
    results: Sequence[Round],
    pseudo_labels: PseudoLabels | None,
    data_samples: DataSample,
    inputs: Tensor,
) -> list[DataSample]:
    """The samples of a training batch as in validation, with what the teacher said of them.

    Args:
        preprocessor: The one that normalized and padded the batch.
        results: The R + 1 rounds.
        pseudo_labels: Of the unlabeled images, in their order; ``None`` without any.
        data_samples: The stacked sample of the batch, which stays as it is: ``gt_img``
            (N, 3, H, W) float in [-1, 1], ``mask`` and ``gt_seg`` (N, 1, H, W).
        inputs: (N, 3, H, W) float masked images in [-1, 1].

    Returns:
        One sample per image, without graph: ``gt_img`` in 0..255 BGR, ``mask``, ``gt_seg`` and
        ``output`` as of :func:`round_samples`. Where the teacher gave pseudo labels, ``output`` has
        ``teacher_seg`` (H, W) int64 and ``teacher_weight`` (H, W) float32 in [0, 1] too.
    """
    image = preprocessor.destruct(data_samples.gt_img, data_samples).round()
    size, batch = image.shape[-2:], data_samples.clone()
    planes = {name: cropped(batch.get(name), size) for name in ('mask', 'gt_seg')}
    batch.set_data(dict(gt_img=image, **planes))
    samples = round_samples(preprocessor, results, batch, inputs)
    if pseudo_labels is not None:
        _add_pseudo_labels(samples, pseudo_labels, size)
    return samples


def _to_8_bit_range(
    preprocessor: DataPreprocessor, result: Round, data_samples: DataSample
) -> Tensor:
    """Composite in 0..255.

    Known pixels are rounded back to the integers they came from: they equal the input exactly.
    """
    image = preprocessor.destruct(result.composite, data_samples)
    hole = cropped(data_samples.mask, image.shape[-2:]) > 0.5
    return torch.where(hole, image, image.round())


def _maps(results: Sequence[Round], size: Sequence[int]) -> dict[str, Tensor]:
    """The maps of the guided rounds, corrected and raw; nothing where there are none."""
    maps = [r.semantics for r in results if r.semantics is not None]
    if not maps:
        return {}
    logits = dict(
        round_segs=[one.logits for one in maps],
        round_raw_segs=[one.raw_logits for one in maps],
    )
    return {name: cropped(_class_ids(rounds), size) for name, rounds in logits.items()}


def _class_ids(rounds: Sequence[Tensor]) -> Tensor:
    """(N, R, H, W) int64 likeliest class of the (N, K, H, W) logits of R rounds."""
    return torch.stack([logits.argmax(1) for logits in rounds], dim=1)


def _add_pseudo_labels(
    samples: Sequence[DataSample], pseudo_labels: PseudoLabels, size: Sequence[int]
) -> None:
    """Give every unlabeled sample the map and weights of the teacher."""
    unlabeled = [sample for sample in samples if not sample.is_labeled]
    said = zip(pseudo_labels.label, pseudo_labels.weight, strict=True)
    for sample, (label, weight) in zip(unlabeled, said, strict=True):
        planes = dict(teacher_seg=cropped(label, size), teacher_weight=cropped(weight, size))
        sample.output.set_tensor_data(planes)


def split_predictions(
    data_samples: DataSample, output: DataSample, masked_img: Tensor
) -> list[DataSample]:
    """Split a batch into samples with predictions, in mmagic's convention.

    Args:
        data_samples: The stacked sample of the batch.
        output: The stacked predictions of the batch.
        masked_img: (N, 3, H, W) float masked images in 0..255 BGR.

    Returns:
        One sample per image, with ``input``, its masked image, and ``output``, its predictions.
    """
    data_samples.set_tensor_data(dict(input=masked_img))
    samples = data_samples.split()
    for sample, prediction in zip(samples, output.split(), strict=True):
        sample.output = prediction
    return samples


def padded(plane: Tensor, image: Tensor, value: int | None = None) -> Tensor:
    """An image, mask or map at the size of a padded image.

    Args:
        plane: (N, C, h, w), without padding; float, or of any dtype with a ``value``.
        image: (N, 3, H, W) padded image, H >= h and W >= w.
        value: What stands in the padding; ``None`` for the last column and row.

    Returns:
        (N, C, H, W), of the dtype of ``plane``; ``plane`` itself if nothing is missing.
    """
    missing = [i - p for i, p in zip(image.shape[-2:], plane.shape[-2:], strict=True)]
    if not any(missing):
        return plane
    mode = 'replicate' if value is None else 'constant'
    return F.pad(plane, (0, missing[1], 0, missing[0]), mode, value)


def cropped(tensor: Tensor, size: Sequence[int]) -> Tensor:
    """Undo the padding.

    Args:
        tensor: (..., H, W) padded, of any dtype.
        size: Height h <= H and width w <= W without padding, in pixels.

    Returns:
        (..., h, w), a view.
    """
    return tensor[..., : size[0], : size[1]]
