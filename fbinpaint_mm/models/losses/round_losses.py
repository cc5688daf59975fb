"""What every round of the loop is trained with."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import torch
from mmagic.registry import MODELS
from mmagic.structures import DataSample
from mmengine.model import BaseModule
from torch import Tensor, nn

from fbinpaint_mm.models.feedback import IGNORE_INDEX
from fbinpaint_mm.models.losses.adversarial_loss import AdversarialLoss
from fbinpaint_mm.models.losses.extra_losses import ExtraLosses
from fbinpaint_mm.models.losses.normalizers import (
    Normalizers,
    is_one_process,
    normalizers_over_ranks,
)
from fbinpaint_mm.models.losses.prototype_loss import areas_of_classes
from fbinpaint_mm.models.mean_teacher import MeanTeacher, PseudoLabels
from fbinpaint_mm.models.round import Round, Semantics
from fbinpaint_mm.models.round_checkpointing import RoundCheckpointing, run_plainly
from fbinpaint_mm.user_error import UserError

NAMES = (
    *('l1_hole', 'l1_valid', 'perceptual', 'tv', 'gan', 'semantic'),  # of images
    *('segmentation', 'consistency', 'prototype'),  # of maps
    'confidence',
)


class RoundLosses(BaseModule):
    """The losses of every round's image and map, each of which may be left out.

    In distributed training the mean of the ranks' losses is the loss of the whole batch: averages
    over holes, labeled or trusted pixels are taken over all ranks (:class:`Normalizers`). Losses
    of the map other than mmseg's cross entropy, which normalize in their own way, do so on each
    rank.

    Args:
        checkpoint_rounds: Whether the perceptual features of rounds use activation checkpointing.
        extra_losses: Configs of further losses of every round's image, see :class:`ExtraLosses`.
        **configs: Configs by name; what is absent or ``None`` is left out, but for the last.

            * ``l1_hole``: a pixel loss inside the hole, on the raw image.
            * ``l1_valid``: a pixel loss outside the hole, on the raw image.
            * ``perceptual``: a loss ``(composite, target) -> (perceptual, style)``. If it has a
              method ``features``, the target goes through it once for all rounds.
            * ``tv``: a loss ``(composite, mask)``, mmagic's ``MaskedTVLoss``.
            * ``gan``: mmagic's ``GANLoss``, of any ``gan_type``; needs a discriminator.
            * ``semantic``: :class:`SemanticFeatureLoss`, which compares the composite with the true
              image in the features of the teacher, as far as that is trusted; needs a teacher.
            * ``segmentation``: a loss of mmseg, ``(logits, labels, ignore_index=255)``, on labeled
              pixels of the map.
            * ``consistency``: :class:`ConsistencyLoss`, on the maps of unlabeled images; needs a
              teacher.
            * ``prototype``: :class:`PrototypeLoss`, on labeled pixels.
            * ``confidence``: the loss of the inpainting confidence, which the loop cannot do
              without: absent or ``None``, it is a :class:`LaplaceLoss`.

    Raises:
        UserError: For a loss of another name, a weight that is no number, or an extra loss that
            does not fit.
    """

    def __init__(
        self,
        checkpoint_rounds: bool = False,
        extra_losses: Sequence[dict] | None = None,
        **configs: dict | None,
    ) -> None:
        super().__init__()
        unknown = sorted(set(configs) - set(NAMES))
        if unknown:
            raise UserError(f'losses takes {", ".join(NAMES)}, extra_losses; found {unknown}')
        configs = dict(configs, confidence=configs.get('confidence') or dict(type='LaplaceLoss'))
        for name in NAMES:
            config = configs.get(name)
            build = AdversarialLoss if name == 'gan' else MODELS.build
            loss = None if config is None else build(config)
            weight = getattr(loss, 'loss_weight', 1.0)
            if not isinstance(weight, (int, float)):
                raise UserError(f'losses.{name}.loss_weight: found {weight!r}, expected a number')
            setattr(self, name, loss)
        self.extra_losses = ExtraLosses(extra_losses)
        self.checkpointing = RoundCheckpointing(self) if checkpoint_rounds else None

    def forward(
        self,
        results: Sequence[Round],
        data_samples: DataSample,
        prototypes: Tensor | None,
        pseudo_labels: PseudoLabels | None,
        teacher: MeanTeacher | None = None,
    ) -> dict[str, Tensor]:
        """All losses of a batch but that of the adversary.

        Args:
            results: The rounds of the loop, round 0 first; those that do not learn are left out.
            data_samples: Stacked sample with ``gt_img`` (N, 3, H, W) in [-1, 1], ``mask``
                (N, 1, H, W), ``gt_seg`` (N, 1, H, W) int64 and ``is_labeled`` (N,) bool.
            prototypes: (K, C) class prototypes; ``None`` without a segmentor.
            pseudo_labels: Of the unlabeled images, in their order; ``None`` without any.
            teacher: Whose features ``semantic`` compares.

        Returns:
            0-d tensors by name, ``roundR_loss_...``.
        """
        target, mask = data_samples.gt_img, data_samples.mask.float()
        perceptual_target = self._perceptual_target(target)
        semantic_target = self._semantic_target(target, teacher)
        parts = self._normalizers(results[-1].semantics, data_samples, pseudo_labels)
        losses: dict[str, Tensor] = {}
        seen: Semantics | None = None
        for index, result in enumerate(results):
            if not result.learns:
                continue
            named = self._pixel_losses(result, target, mask, parts)
            named |= self._perceptual_losses(result, perceptual_target)
            named |= self.extra_losses(result.composite, target, mask)
            named |= self._semantic_losses(result, semantic_target, teacher)
            # One-way guidance uses one map in all rounds; it learns once.
            if result.semantics is not None and result.semantics is not seen:
                seen = result.semantics
                named |= self._labeled_losses(seen, data_samples.gt_seg, prototypes, parts)
                named |= self._unlabeled_losses(seen, data_samples, pseudo_labels, parts)
            losses |= {f'round{index}_{name}': value for name, value in named.items()}
        return losses

    def _perceptual_target(self, target: Tensor) -> Any:
        """Features of the target, in the form of the loss; else the target itself."""
        features = getattr(self.perceptual, 'features', None)
        return target if features is None else features(target)

    @torch.no_grad()
    def _semantic_target(self, target: Tensor, teacher: MeanTeacher | None) -> Sequence[Tensor]:
        if self.semantic is None:
            return ()
        assert teacher is not None, 'losses.semantic needs a teacher'
        return teacher.features(target)

    def _normalizers(
        self,
        semantics: Semantics | None,
        data_samples: DataSample,
        pseudo_labels: PseudoLabels | None,
    ) -> Normalizers:
        if is_one_process():
            return Normalizers()
        mask, labels = data_samples.mask.float(), data_samples.gt_seg
        trusted, class_areas = mask.new_zeros(()), None
        if pseudo_labels is not None:
            hole = mask[~data_samples.is_labeled]
            trusted = self.consistency.pixel_weight(pseudo_labels.weight, hole)
        if semantics is not None:
            num_classes, size = semantics.logits.shape[1], semantics.features.shape[-2:]
            class_areas = areas_of_classes(labels, num_classes, size)
        return normalizers_over_ranks(
            hole=mask.sum(),
            valid=(1 - mask).sum(),
            labeled=_labeled_area(self.segmentation, labels),
            trusted=trusted.sum(),
            class_areas=class_areas,
        )

    def _pixel_losses(
        self, result: Round, target: Tensor, mask: Tensor, parts: Normalizers
    ) -> dict[str, Tensor]:
        losses = {}
        if self.l1_hole is not None:
            factor = parts.hole if _averages_over_area(self.l1_hole) else 1.0
            losses['loss_l1_hole'] = factor * self.l1_hole(result.raw, target, weight=mask)
        if self.l1_valid is not None:
            factor = parts.valid if _averages_over_area(self.l1_valid) else 1.0
            losses['loss_l1_valid'] = factor * self.l1_valid(result.raw, target, weight=1 - mask)
        if self.tv is not None:
            # Not exact: it leaves out the last row and the last column of the hole.
            losses['loss_tv'] = parts.hole * self.tv(result.composite, mask)
        if self.confidence is not None:
            losses['loss_confidence'] = parts.hole * self.confidence(
                result.error_scale, result.composite, target, mask
            )
        return losses

    def _perceptual_losses(self, result: Round, target: Any) -> dict[str, Tensor]:
        if self.perceptual is None:
            return {}
        run = self.checkpointing or run_plainly
        perceptual, style = run(self.perceptual, result.composite, target)
        named = dict(loss_perceptual=perceptual, loss_style=style)
        return {name: value for name, value in named.items() if value is not None}

    def _semantic_losses(
        self, result: Round, target: Sequence[Tensor], teacher: MeanTeacher | None
    ) -> dict[str, Tensor]:
        if self.semantic is None:
            return {}
        assert teacher is not None, 'losses.semantic needs a teacher'
        found = teacher.features(result.composite)
        return dict(loss_semantic=teacher.trust * self.semantic(found, target))

    def _labeled_losses(
        self, semantics: Semantics, labels: Tensor, prototypes: Tensor | None, parts: Normalizers
    ) -> dict[str, Tensor]:
        losses = {}
        if self.segmentation is not None:
            losses['loss_segmentation'] = parts.labeled * _mean(
                self.segmentation(logits, labels.squeeze(1), ignore_index=IGNORE_INDEX)
                for logits in semantics.supervised_logits
            )
        if self.prototype is not None:
            losses['loss_prototype'] = self.prototype(
                semantics.features, labels, prototypes, parts.class_areas
            )
        return losses

    def _unlabeled_losses(
        self,
        semantics: Semantics,
        data_samples: DataSample,
        pseudo_labels: PseudoLabels | None,
        parts: Normalizers,
    ) -> dict[str, Tensor]:
        if pseudo_labels is None:
            return {}
        unlabeled = ~data_samples.is_labeled
        hole = data_samples.mask[unlabeled].float()
        given = (pseudo_labels.probabilities, pseudo_labels.weight, hole)
        loss = _mean(
            self.consistency(logits[unlabeled], *given) for logits in semantics.supervised_logits
        )
        return dict(loss_consistency=pseudo_labels.trust * parts.trusted * loss)


def _mean(losses: Iterable[Tensor]) -> Tensor:
    return torch.stack(list(losses)).mean()


def _averages_over_area(loss: nn.Module) -> bool:
    """Whether a pixel loss of mmagic divides by the sum of its weights, and not image by image."""
    return getattr(loss, 'reduction', 'mean') == 'mean' and not getattr(loss, 'sample_wise', False)


def _labeled_area(loss: nn.Module | None, labels: Tensor) -> Tensor:
    """Number of pixels that mmseg's cross entropy divides by, 0-d float.

    With ``avg_non_ignore`` these are the known pixels; without, or with a loss that has no such
    option, all pixels.
    """
    known = labels != IGNORE_INDEX
    return (known if getattr(loss, 'avg_non_ignore', False) else torch.ones_like(known)).sum()
