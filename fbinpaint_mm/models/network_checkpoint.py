"""Checks a checkpoint of an inpainting network before mmengine, which would only warn, loads it."""

from __future__ import annotations

from copy import deepcopy

from torch import Tensor, nn

from fbinpaint_mm.models.networks import SemanticGuidedEncoderDecoder
from fbinpaint_mm.models.pretrained_start import entries_of_checkpoint, pretrained_starts

WITHOUT_SEMANTICS = 'embeddings.'  # parts that a network without a map has not


def check_network_checkpoint(network: nn.Module | None) -> None:
    """Refuses a start for one of our networks that does not fit; mmengine would leave out parts.

    Args:
        network: A :class:`SemanticGuidedEncoderDecoder` whose ``init_cfg`` may be
            ``dict(type='Pretrained', checkpoint=..., prefix=...)``; it is not changed. A guided one
            may start from an initial one. Nothing else is checked.

    Raises:
        FileNotFoundError: If there is no such file.
        ValueError: If an entry is missing, has another shape, or belongs to no part of the network.
    """
    if not isinstance(network, SemanticGuidedEncoderDecoder):
        return
    for checkpoint, prefix in pretrained_starts(network):
        entries = entries_of_checkpoint(checkpoint, prefix, 'an inpainting network')
        problem = _problem(network, entries)
        if problem:
            raise ValueError(
                f'checkpoint {checkpoint!r} (entries {prefix!r}) does not fit the inpainting '
                f'network of this config: {problem}. Take one of a config in '
                'configs/inpaintors/ for the same networks'
            )


def _problem(network: nn.Module, entries: dict[str, Tensor]) -> str:
    """Loads into a copy: what a network takes over, and how, it knows best itself."""
    try:
        missing, unknown = deepcopy(network).load_state_dict(entries, strict=False)
    except RuntimeError as error:  # of another shape; names key, found and expected
        return str(error)
    missing = [key for key in missing if not key.startswith(WITHOUT_SEMANTICS)]
    if missing or unknown:
        return (
            f'{len(missing)} entries are missing {missing[:1]}, {len(unknown)} are unknown '
            f'{unknown[:1]}'
        )
    return ''
