"""The model: trains the loop with labeled and unlabeled images, and tests it round by round."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from mmagic.registry import MODELS
from mmagic.structures import DataSample
from mmengine.model import BaseModel, is_model_wrapper
from mmengine.optim import OptimWrapper, OptimWrapperDict
from torch import Tensor, nn

from fbinpaint_mm.models.batch_statistics import average_batch_statistics
from fbinpaint_mm.models.feedback import ClassMemory, CompletedBatch
from fbinpaint_mm.models.feedback_recorrection_loop import FeedbackRecorrectionLoop
from fbinpaint_mm.models.guidance import Guidance, dictated_map_of, labels_to_mix
from fbinpaint_mm.models.losses import RoundLosses
from fbinpaint_mm.models.mean_teacher import MeanTeacher, PseudoLabels, student_modules
from fbinpaint_mm.models.networks import build_discriminator
from fbinpaint_mm.models.round import Round
from fbinpaint_mm.models.round_samples import padded, round_samples, training_samples
from fbinpaint_mm.models.round_settings import (
    check_parts_fit,
    check_something_learns,
    checked_settings,
)
from fbinpaint_mm.user_error import UserError


@MODELS.register_module()
class FeedbackRecorrectionInpaintor(BaseModel):
    """Inpainting network and segmentation network that correct each other, trained with few labels.

    After *Feedback Recorrection Semantic-Based Image Inpainting Under Semi-Supervised Learning*
    (Sensors 2025, 25(21), 6669). Layer sizes, loss weights and schedule are this project's choice;
    the publicly readable part of the paper does not state them.

    Children: ``generator``, ``disc`` (optional) and ``teacher`` (optional, no gradient). Training
    needs ``optim_wrapper['generator']`` and, with a discriminator, ``optim_wrapper['disc']``;
    without one a single ``OptimWrapper`` serves too. All updates go through ``optim_context`` and
    ``update_params``, so mixed precision, gradient accumulation and clipping work.

    Args:
        data_preprocessor: Config of :class:`SemiSupervisedDataPreprocessor`.
        generator: Config of :class:`FeedbackRecorrectionLoop`; channel order, map temperature and
            activation checkpointing are filled in.
        losses: Configs of losses by name, see :class:`RoundLosses`; further ones in a list under
            ``extra_losses``, see :class:`ExtraLosses`.
        teacher: Config of :class:`MeanTeacher` (its segmentor is filled in), which the losses
            ``consistency`` and ``semantic`` need; ``None`` for none.
        disc: Config of an mmagic discriminator that reads 4 channels, composite and mask, or of a
            :class:`MMagicDiscriminatorAdapter` around another one; a list for several whose losses
            are averaged; ``None`` for none.
        train_cfg: ``rounds``, ``only_last_learns``, ``label_mixing`` and ``checkpoint_rounds``, see
            :func:`checked_settings`.
        test_cfg: ``rounds``, ``map_temperature`` and ``merge_sigma``, likewise.
        channels_last: Whether the weights lie in memory as (N, H, W, C), and with them every
            activation; on many processors convolutions are faster so.
        init_cfg: mmengine initialization of the whole model.

    Raises:
        UserError: If parts, losses and settings contradict each other, see
            :func:`check_parts_fit`, or a setting is unknown or out of range, see
            :func:`checked_settings`.
    """

    def __init__(
        self,
        data_preprocessor: dict,
        generator: dict,
        losses: dict | None = None,
        teacher: dict | None = None,
        disc: dict | list[dict] | None = None,
        train_cfg: dict | None = None,
        test_cfg: dict | None = None,
        channels_last: bool = False,
        init_cfg: dict | None = None,
    ) -> None:
        # Built here, in mmagic's registry: mmengine would look in the scope of the moment, and find
        # nothing without a Runner.
        super().__init__(data_preprocessor=MODELS.build(data_preprocessor), init_cfg=init_cfg)
        train_cfg, test_cfg = checked_settings(train_cfg, test_cfg)
        losses = dict(losses or {})
        check_parts_fit(generator, losses, teacher, disc, train_cfg, test_cfg)
        filled_in = dict(
            channel_order=self.data_preprocessor.output_channel_order or 'BGR',
            map_temperature=test_cfg['map_temperature'],
            merge_sigma=test_cfg['merge_sigma'],
            checkpoint_rounds=train_cfg['checkpoint_rounds'],
        )
        self.generator = MODELS.build({**generator, **filled_in})
        self._check_classes()
        self.disc = None if disc is None else build_discriminator(disc)
        self.teacher = self._build_teacher(teacher, generator)
        self.losses = RoundLosses(checkpoint_rounds=train_cfg['checkpoint_rounds'], **losses)
        self.rounds = train_cfg['rounds']
        self.only_last_learns = train_cfg['only_last_learns']
        self.label_mixing = train_cfg['label_mixing']
        self.test_rounds = test_cfg['rounds']
        self.completed_batch: CompletedBatch | None = None
        self._keeps_samples = False
        self._training_samples: list[DataSample] | None = None
        if channels_last:
            self.to(memory_format=torch.channels_last)

    def _check_classes(self) -> None:
        labels = getattr(self.data_preprocessor, 'num_classes', None)
        maps = self.generator.num_classes
        if maps and labels not in (None, maps):
            raise UserError(
                f'model.data_preprocessor.num_classes is {labels}, but '
                f'model.generator.segmentor.decode_head.num_classes is {maps}: set both to the '
                'number of classes of the data set'
            )

    def _build_teacher(self, teacher: dict | None, generator: dict) -> MeanTeacher | None:
        if teacher is None:
            return None
        student = self.generator
        filled_in = dict(
            segmentor=generator['segmentor'],
            to_segmentor=student.to_segmentor,
            feedback=student.feedback,
        )
        return MODELS.build({**teacher, **filled_in})

    def forward(
        self,
        inputs: Tensor,
        data_samples: DataSample | None = None,
        mode: str = 'tensor',
        rounds: int | None = None,
    ) -> tuple[Tensor, Tensor] | list[DataSample] | dict[str, Tensor]:
        """Forward pass, in mmagic's modes.

        Args:
            inputs: (N, 3, H, W) float masked images in [-1, 1], 0 in the hole.
            data_samples: Stacked sample with ``mask`` (N, 1, H, W), 1 in the hole; for ``'loss'``
                as in :meth:`generator_losses`. ``dictated_seg`` (N, 1, H, W) int64, if there,
                dictates the map of every round: class ids, 255 where the map stays the model's own.
            mode: ``'tensor'``, ``'predict'`` or ``'loss'``.
            rounds: R of this call; default ``test_cfg.rounds``, or ``train_cfg.rounds`` for
                ``'loss'``.

        Returns:
            ``'tensor'``: raw image and composite of the last round, both (N, 3, H, W).
            ``'predict'``: one sample per image, see :func:`round_samples`. ``'loss'``: the
            generator's losses by name, 0-d tensors.

        Raises:
            UserError: For another mode, for negative ``rounds``, if a map is dictated to a model
                without semantics, or if nothing would learn from the losses.
        """
        if rounds is not None and rounds < 0:
            raise UserError(f'rounds must be a number of 0 or more, got {rounds}')
        if mode == 'loss':
            rounds = self.rounds if rounds is None else rounds
            check_something_learns(rounds, self.loop.freeze_initial, "mode='loss'")
            results, pseudo_labels = self._training_rounds(inputs, data_samples, rounds)
            if self.training:  # by a wrapper that has a train_step of its own
                self._remember(results, data_samples, is_whole=True)
            return self.generator_losses(results, data_samples, pseudo_labels)
        if mode not in ('tensor', 'predict'):
            raise UserError(f"mode must be 'tensor', 'predict' or 'loss', got {mode!r}")
        results = self.predict_rounds(inputs, data_samples, rounds)
        if mode == 'tensor':
            return results[-1].raw, results[-1].composite
        return self.convert_to_datasample(results, data_samples, inputs)

    def train_step(
        self, data: dict, optim_wrapper: OptimWrapperDict | OptimWrapper
    ) -> dict[str, Tensor]:
        """One update of the discriminator, if there is one, and of the generator.

        Args:
            data: A batch as the dataloader collates it.
            optim_wrapper: Wrappers named ``generator`` and ``disc``, or one for the generator
                alone.

        Returns:
            The values to log, 0-d tensors by name.

        Raises:
            UserError: If there is a discriminator and only one wrapper.
        """
        data = self.data_preprocessor(data, True)
        inputs, data_samples = data['inputs'], data['data_samples']
        wrapper = _wrapper_of(optim_wrapper, 'generator')
        with wrapper.optim_context(self.generator):
            results, pseudo_labels = self._training_rounds(inputs, data_samples, self.rounds)
        log_vars = {}
        if self.disc is not None:
            disc_wrapper = _wrapper_of(optim_wrapper, 'disc')
            log_vars.update(self._update_disc(results, data_samples, disc_wrapper))
        with wrapper.optim_context(self.generator):
            losses = self.generator_losses(results, data_samples, pseudo_labels)
        loss, log_vars_generator = self.parse_losses(losses)
        wrapper.update_params(loss)
        average_batch_statistics(filter(None, (self.generator, self.disc)))
        self._remember(results, data_samples, wrapper.should_update())
        if self._keeps_samples:
            self._training_samples = training_samples(
                self.data_preprocessor, results, pseudo_labels, data_samples, inputs
            )
            self._keeps_samples = False
        return log_vars | log_vars_generator

    def predict_rounds(
        self,
        inputs: Tensor,
        data_samples: DataSample,
        rounds: int | None = None,
    ) -> list[Round]:
        """The rounds of a prediction; arguments and errors as of :meth:`forward`."""
        rounds = self.test_rounds if rounds is None else rounds
        return self._run(inputs, data_samples, rounds)

    def generator_losses(
        self,
        results: Sequence[Round],
        data_samples: DataSample,
        pseudo_labels: PseudoLabels | None,
    ) -> dict[str, Tensor]:
        """All losses of the generator.

        Args:
            results: The rounds of :class:`FeedbackRecorrectionLoop`.
            data_samples: As :class:`SemiSupervisedDataPreprocessor` gives it in training.
            pseudo_labels: Of the unlabeled images, in their order; ``None`` without any.

        Returns:
            0-d tensors by name; names start with ``roundR_`` where a loss is taken round by round.
        """
        has_maps = results[-1].semantics is not None
        prototypes = self.loop.prototypes if has_maps else None
        losses = self.losses(results, data_samples, prototypes, pseudo_labels, self.teacher)
        if self.disc is not None:
            mask = data_samples.mask.float()
            losses['loss_gan'] = self.losses.gan.of_generator(self.disc, _composites(results), mask)
        return losses

    def convert_to_datasample(
        self, results: Sequence[Round], data_samples: DataSample, inputs: Tensor
    ) -> list[DataSample]:
        """A batch split into samples with predictions, as :func:`round_samples` describes them."""
        return round_samples(self.data_preprocessor, results, data_samples, inputs)

    @property
    def loop(self) -> FeedbackRecorrectionLoop:
        """The loop, out of its distributed wrapper if it has one."""
        return getattr(self.generator, 'module', self.generator)

    @property
    def student(self) -> nn.Module | None:
        """The segmentor that learns, with its feedback, which the teacher follows."""
        if self.loop.segmentor is None:
            return None
        return student_modules(self.loop.segmentor, self.loop.feedback)

    @property
    def class_memory(self) -> ClassMemory | None:
        """Prototypes of the features of every class; ``None`` without a segmentor."""
        return self.loop.memory

    def state_dict(self, *args: Any, **kwargs: Any) -> dict[str, Tensor]:
        """As torch's, with the same names whether or not children are in distributed wrappers.

        mmengine loads the plain names into wrapped and into bare models, and no others.
        """
        state = super().state_dict(*args, **kwargs)
        for child in (name for name, module in self.named_children() if is_model_wrapper(module)):
            for key in [key for key in state if f'{child}.module.' in key]:
                state[key.replace(f'{child}.module.', f'{child}.', 1)] = state.pop(key)
        return state

    def link_feedback(self) -> None:
        """Link the inpainting feedback to the decode head; ``FeedbackHook`` calls it."""
        self.loop.link_feedback()

    def set_feedback(self, strength: float, rounds: int) -> None:
        """Say how strongly the feedback acts from now on, and how many rounds training runs.

        Args:
            strength: Factor in [0, 1]; stored in the checkpoint.
            rounds: R >= 0.

        Raises:
            UserError: If one of them is out of range, or no network would learn.
        """
        if rounds < 0 or not 0 <= strength <= 1:
            raise UserError(
                'rounds must be 0 or more and strength in [0, 1], '
                f'got rounds={rounds}, strength={strength}'
            )
        check_something_learns(rounds, self.loop.freeze_initial, 'FeedbackHook')
        self.loop.strength.fill_(strength)
        self.rounds = rounds

    def update_class_memory(self) -> CompletedBatch | None:
        """Move the class memory towards the last batch's labeled part.

        Returns:
            The batch, or ``None`` when there was none since the last call.
        """
        batch, self.completed_batch = self.completed_batch, None
        if batch is not None:
            self.loop.update_memory(batch)
        return batch

    def keep_next_samples(self) -> None:
        """Keep what the next training step makes of its batch, for ``take_training_samples``."""
        self._keeps_samples = True

    def take_training_samples(self) -> list[DataSample] | None:
        """The samples that a training step kept, once.

        Returns:
            One sample per image, see :func:`training_samples`; ``None`` if no step kept any.
        """
        samples, self._training_samples = self._training_samples, None
        return samples

    def _training_rounds(
        self, inputs: Tensor, data_samples: DataSample, rounds: int
    ) -> tuple[list[Round], PseudoLabels | None]:
        """The rounds of a training batch, and the pseudo labels of its unlabeled images."""
        has_maps = rounds > 0 and self.loop.segmentor is not None
        pseudo_labels = self._pseudo_labels(data_samples) if has_maps else None
        label_map = None
        if has_maps and self.label_mixing:
            label_map = labels_to_mix(data_samples, pseudo_labels, self.loop.num_classes)
        results = self._run(
            inputs, data_samples, rounds, label_map, only_last_learns=self.only_last_learns
        )
        return results, pseudo_labels

    def _run(
        self,
        inputs: Tensor,
        data_samples: DataSample,
        rounds: int,
        label_map: Tensor | None = None,
        **options: Any,
    ) -> list[Round]:
        """The R + 1 rounds of a preprocessed batch; ``options`` are those of the loop."""
        guidance = Guidance(dictated_map_of(data_samples, inputs), label_map)
        mask = padded(data_samples.mask.float(), inputs)
        return self.generator(inputs, mask, rounds, guidance, **options)

    def _pseudo_labels(self, data_samples: DataSample) -> PseudoLabels | None:
        unlabeled = ~data_samples.is_labeled
        if self.teacher is None or self.losses.consistency is None or not unlabeled.any():
            return None
        intact = data_samples.gt_img[unlabeled]
        return self.teacher(intact, self.loop.prototypes, self.loop.strength)

    def _update_disc(
        self, results: Sequence[Round], data_samples: DataSample, wrapper: OptimWrapper
    ) -> dict[str, Tensor]:
        mask, composites = data_samples.mask.float(), _composites(results)
        with wrapper.optim_context(self.disc):
            losses = self.losses.gan.of_discriminator(
                self.disc, data_samples.gt_img, composites, mask
            )
        loss, log_vars = self.parse_losses(losses)
        wrapper.update_params(loss)
        log_vars['loss_disc'] = log_vars.pop('loss')
        return log_vars

    def _remember(self, results: Sequence[Round], data_samples: DataSample, is_whole: bool) -> None:
        """Keep what the class memory learns from, until ``FeedbackHook`` collects it."""
        semantics = results[-1].semantics
        if semantics is None:
            return
        self.completed_batch = CompletedBatch(
            features=semantics.features.detach(),
            labels=data_samples.gt_seg,
            is_labeled=data_samples.is_labeled,
            # What a dictated map replaced is no correction.
            corrected_share=None if 'dictated_seg' in data_samples else semantics.corrected_share,
            is_whole=is_whole,
        )


def _composites(results: Sequence[Round]) -> list[Tensor]:
    """The images of the rounds that have losses."""
    return [result.composite for result in results if result.learns]


def _wrapper_of(optim_wrapper: OptimWrapperDict | OptimWrapper, name: str) -> OptimWrapper:
    if isinstance(optim_wrapper, OptimWrapperDict):
        return optim_wrapper[name]
    if name != 'generator':
        raise UserError(
            f'a model with {name} needs an optim_wrapper for it and one for the generator '
            "(constructor='MultiOptimWrapperConstructor'), found a single "
            f'{type(optim_wrapper).__name__}'
        )
    return optim_wrapper
