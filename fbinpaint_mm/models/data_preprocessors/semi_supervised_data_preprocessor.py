"""Makes one batch of labeled and unlabeled samples."""

from __future__ import annotations

from typing import Any

import torch
from mmagic.models.data_preprocessors import DataPreprocessor
from mmagic.registry import MODELS
from mmagic.structures import DataSample
from torch import Tensor

from fbinpaint_mm.models.feedback import IGNORE_INDEX
from fbinpaint_mm.models.round_samples import cropped, padded
from fbinpaint_mm.user_error import UserError


@MODELS.register_module()
class SemiSupervisedDataPreprocessor(DataPreprocessor):
    """Takes a mixed batch of labeled and unlabeled samples; one forward pass serves both kinds.

    The output is mmagic's: ``inputs`` (N, 3, H, W) float masked images in [-1, 1] with 0 in the
    hole, and a stacked ``DataSample`` with ``gt_img`` (N, 3, H, W) float, in [-1, 1] in training
    and in 0..255 otherwise, ``mask`` (N, 1, H, W) float 0/1 with 1 in the hole, ``gt_seg`` (N, 1,
    H, W) int64 with 255 where unknown, and ``is_labeled`` (N,) bool. Samples without ``gt_seg``, or
    whose ``is_labeled`` is False, get 255 everywhere; without ``is_labeled`` a sample with
    ``gt_seg`` is labeled. Samples without ``mask`` (a plain mmagic pipeline) are refused. A map
    that a user dictates, ``dictated_seg``, is stacked likewise to (N, 1, H, W) int64 with 255 where
    nothing is dictated; it is there if any sample of the batch has one. The incoming batch is left
    as it was. Where ``pad_size_divisor`` asks for larger images, the border is repeated.

    Args:
        num_classes: K; label ids must be in [0, K) or 255. ``None`` accepts any id.
        min_labeled: Fewest labeled samples of a training batch; what the sampler promised.
        **kwargs: As for mmagic's ``DataPreprocessor``; mean and standard deviation are 127.5 by
            default.
    """

    _NON_IMAGE_KEYS: list[str]
    _NON_CONCATENATE_KEYS: list[str]

    def __init__(self, num_classes: int | None = None, min_labeled: int = 0, **kwargs: Any) -> None:
        kwargs.setdefault('output_channel_order', 'BGR')  # whatever order the loader used
        # mmagic extends these lists in place, for every preprocessor of the process.
        self._NON_IMAGE_KEYS = [*self._NON_IMAGE_KEYS]
        self._NON_CONCATENATE_KEYS = [*self._NON_CONCATENATE_KEYS]
        super().__init__(**kwargs)
        self.num_classes = num_classes
        self.min_labeled = min_labeled

    def forward(self, data: dict, training: bool = False) -> dict:
        """Check, complete, normalize and stack a batch.

        Args:
            data: ``inputs``, a list of (3, H, W) images in 0..255, and ``data_samples``, a list of
                ``DataSample``.
            training: Whether ``gt_img`` is normalized too.

        Returns:
            ``inputs`` and ``data_samples`` as the class describes them, on the device of the model.

        Raises:
            UserError: If a mask is missing, is not 0/1 or has another size than its image; if a
                label id is out of range or a label has another size; if a training batch has fewer
                labeled samples than ``min_labeled``. The message names the sample.
        """
        samples = [
            self._completed(sample, image)
            for sample, image in zip(data['data_samples'], data['inputs'], strict=True)
        ]
        _check_sizes(data)
        _complete_dictated_maps(samples)
        labeled = sum(bool(sample.is_labeled) for sample in samples)
        if training and labeled < self.min_labeled:
            raise UserError(
                f'the batch has {labeled} labeled of {len(samples)} samples, but '
                f'min_labeled={self.min_labeled}; use a LabeledRatioBatchSampler, or lower it'
            )
        samples = [_in_one_order(sample) for sample in samples]
        batch = super().forward(dict(data, data_samples=samples), training)
        _repeat_border(batch, training)
        return batch

    def _completed(self, sample: DataSample, image: Tensor) -> DataSample:
        """A copy of the sample with all fields that the model reads, checked on the CPU."""
        name = sample.metainfo.get('gt_path', 'unnamed sample')
        size = image.shape[-2:]
        if 'mask' not in sample:
            raise UserError(f'{name}: the sample has no mask; add a transform that makes one')
        completed = sample.clone()
        completed.set_data(dict(mask=_checked_mask(sample.mask, size, name)))
        is_labeled = bool(sample.metainfo.get('is_labeled', 'gt_seg' in sample))
        if is_labeled and 'gt_seg' not in sample:
            raise UserError(
                f'{name}: is_labeled is True, but the sample has no gt_seg; load it with '
                'LoadSemanticMap and pack it, or set is_labeled=False'
            )
        gt_seg = self._checked_labels(sample.gt_seg, size, name) if is_labeled else _unknown(size)
        if 'dictated_seg' in sample:
            dictated = self._checked_labels(sample.dictated_seg, size, f'{name}, dictated_seg')
            completed.set_data(dict(dictated_seg=dictated))
        if 'is_labeled' in completed.metainfo_keys():
            del completed.is_labeled
        completed.set_data(dict(gt_seg=gt_seg, is_labeled=torch.tensor(is_labeled)))
        return completed

    def _checked_labels(self, labels: Tensor, size: torch.Size, name: str) -> Tensor:
        labels = labels.long().reshape(1, *labels.shape[-2:])
        if labels.shape[-2:] != size:
            raise UserError(
                f'{name}: label size {_text(labels)} differs from image size {tuple(size)}'
            )
        known = labels[labels != IGNORE_INDEX]
        limit = IGNORE_INDEX if self.num_classes is None else self.num_classes
        wrong = known[(known < 0) | (known >= limit)]
        if wrong.numel():
            raise UserError(
                f'{name}: label id {int(wrong[0])} is out of range; expected 0..{limit - 1}, or '
                f'{IGNORE_INDEX} for unknown'
            )
        return labels


def _checked_mask(mask: Tensor, size: torch.Size, name: str) -> Tensor:
    if mask.shape[-2:] != size:
        raise UserError(f'{name}: mask size {_text(mask)} differs from image size {tuple(size)}')
    mask = mask.float()
    if not ((mask == 0) | (mask == 1)).all():
        raise UserError(
            f'{name}: the mask must be 0 (known) or 1 (hole), found values from '
            f'{mask.min():g} to {mask.max():g}'
        )
    return mask.reshape(1, *size)


def _complete_dictated_maps(samples: list[DataSample]) -> None:
    """Dictates nothing to the samples without a dictated map, if another sample has one."""
    if not any('dictated_seg' in sample for sample in samples):
        return
    for sample in samples:
        if 'dictated_seg' not in sample:
            sample.set_data(dict(dictated_seg=_unknown(sample.mask.shape[-2:])))


def _in_one_order(sample: DataSample) -> DataSample:
    """The same sample, its fields filled in by name.

    mmagic's ``stack`` compares the fields of samples as lists made from sets. Where hashes collide,
    which differs from process to process, such a list depends on the order of filling.
    """
    fields = {name: sample.get(name) for name in sorted(sample.keys())}
    return sample.new(**fields)


def _unknown(size: torch.Size) -> Tensor:
    return torch.full((1, *size), IGNORE_INDEX, dtype=torch.long)


def _text(tensor: Tensor) -> str:
    return str(tuple(tensor.shape[-2:]))


def _repeat_border(batch: dict, training: bool) -> None:
    """Fills what mmagic padded, on the right and below, with the last column and row.

    Its gray would pass for known pixels, by which holes at the border are filled. In training, what
    the losses compare with is padded too.
    """
    inputs, samples = batch['inputs'], batch['data_samples']
    batch['inputs'] = padded(cropped(inputs, samples.mask.shape[-2:]), inputs)
    if training:
        images = {name: padded(samples.get(name), inputs) for name in ('gt_img', 'mask')}
        samples.set_data(dict(images, gt_seg=padded(samples.gt_seg, inputs, IGNORE_INDEX)))


def _check_sizes(data: dict) -> None:
    sizes: dict[tuple[int, ...], str] = {}
    for sample, image in zip(data['data_samples'], data['inputs'], strict=True):
        sizes.setdefault(tuple(image.shape[-2:]), sample.metainfo.get('gt_path', 'unnamed sample'))
    if len(sizes) > 1:
        found = ', '.join(f'{name}: {size}' for size, name in sizes.items())
        raise UserError(
            f'images of one batch must have one (height, width), found {found}; resize or crop '
            'them in the pipeline (ResizeSample), or set batch_size=1'
        )
