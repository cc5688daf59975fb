"""The two torch hooks between the inpainting loop and an mmseg decode head."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from mmseg.models.decode_heads.decode_head import BaseDecodeHead
from torch import Tensor, nn
from torch.utils.hooks import RemovableHandle

from fbinpaint_mm.models.feedback.inpainting_feedback import FeedbackSignal, InpaintingFeedback
from fbinpaint_mm.user_error import UserError


class DecodeHeadLink:
    """Adds feedback to the inputs of a decode head and taps its pixel features.

    A forward pre-hook on the head adds ``InpaintingFeedback`` to the feature maps that the head
    selects through its ``in_index``; a forward pre-hook on the head's ``conv_seg``, the one place
    every mmseg ``BaseDecodeHead`` passes, keeps the pixel features. Outside of :meth:`sending` the
    head behaves as if it were not linked.

    It is no ``nn.Module`` on purpose: it owns no parameter, and registering the head here again
    would store it twice.

    Args:
        decode_head: An mmseg ``BaseDecodeHead`` (the last one of a cascade).
        feedback: The module that makes the summands; ``None`` only taps the features.

    Attributes:
        features: (N, C, h, w) features that ``conv_seg`` saw in the last forward pass, with their
            graph; ``None`` before.

    Raises:
        UserError: If the head has no ``conv_seg`` to tap; when it is called within :meth:`sending`
            with anything but feature maps (the tokens that mmseg's DPTHead reads).
    """

    def __init__(self, decode_head: BaseDecodeHead, feedback: InpaintingFeedback | None) -> None:
        if not isinstance(getattr(decode_head, 'conv_seg', None), nn.Module):
            raise UserError(
                f'decode head {type(decode_head).__name__} has no conv_seg layer, so its pixel '
                "features cannot be tapped; choose a head that derives from mmseg's BaseDecodeHead "
                'and classifies with conv_seg'
            )
        self.decode_head = decode_head
        self.feedback = feedback
        self.features: Tensor | None = None
        self._signal: FeedbackSignal | None = None
        self._handles: list[RemovableHandle] = []

    @property
    def attached(self) -> bool:
        """Whether the torch hooks are in place."""
        return bool(self._handles)

    def attach(self) -> None:
        """Put the torch hooks in place; does nothing when they already are."""
        if self.attached:
            return
        self._handles.append(self.decode_head.conv_seg.register_forward_pre_hook(self._tap))
        if self.feedback is not None:
            self._handles.append(self.decode_head.register_forward_pre_hook(self._add_feedback))

    def detach(self) -> None:
        """Remove the torch hooks: the head is as it was before."""
        for handle in self._handles:
            handle.remove()
        self._handles.clear()

    def __getstate__(self) -> dict[str, Any]:
        """Without the features, because tensors that are part of a graph cannot be copied."""
        return vars(self) | {'features': None}

    @contextmanager
    def sending(self, signal: FeedbackSignal) -> Iterator[None]:
        """Within this context every call of the head, as a module, receives ``signal``."""
        self._signal = signal
        try:
            yield
        finally:
            self._signal = None

    def take_features(self) -> Tensor:
        """The features of the last forward pass, kept here no longer: their graph would live on."""
        features, self.features = self.features, None
        assert features is not None, 'the decode head has not run since the last call'
        return features

    def _tap(self, module: nn.Module, args: tuple[Tensor, ...]) -> None:
        self.features = args[0]

    def _add_feedback(self, module: nn.Module, args: tuple) -> tuple | None:
        if self._signal is None or self.feedback is None:
            return None
        inputs = list(args[0])
        indices = _selected_indices(self.decode_head.in_index, len(inputs))
        self._check_feature_maps([inputs[i] for i in indices])
        summands = self.feedback(self._signal, [inputs[i].shape[-2:] for i in indices])
        for i, summand in zip(indices, summands, strict=True):
            inputs[i] = inputs[i] + self._signal.strength * summand
        return (inputs, *args[1:])

    def _check_feature_maps(self, inputs: list) -> None:
        for features in inputs:
            if not isinstance(features, Tensor) or features.dim() != 4:
                raise UserError(
                    f'decode head {type(self.decode_head).__name__} is given '
                    f'{type(features).__name__} by its backbone, and feedback can be added to '
                    'feature maps (N, C, H, W) only; choose another head or backbone, or set '
                    'feedback=None'
                )


def _selected_indices(in_index: int | Sequence[int], count: int) -> list[int]:
    selected = [in_index] if isinstance(in_index, int) else list(in_index)
    return [i % count for i in selected]
