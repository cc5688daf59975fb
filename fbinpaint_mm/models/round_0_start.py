"""Discriminator and confidence that start where a model of round 0 alone stopped."""

from __future__ import annotations

from mmengine.logging import print_log
from torch import Tensor, nn

from fbinpaint_mm.checkpoint import shape_of
from fbinpaint_mm.models.pretrained_start import entries_of_checkpoint

STARTED = ('generator.confidence.', 'disc.')
NOT_OF_ROUND_0 = ('generator.guided.', 'generator.segmentor.')
EXPECTED = 'expected a checkpoint of a config in configs/inpaintors/'


def load_round_0(model: nn.Module, checkpoint: str) -> None:
    """Loads confidence and discriminator, as far as the model has them; all else stays as it is.

    The log says which of them start from where.

    Args:
        model: A :class:`FeedbackRecorrectionInpaintor`, whose ``generator.confidence`` and ``disc``
            are changed in place.
        checkpoint: Path or address of the checkpoint of a model of round 0 alone.

    Raises:
        FileNotFoundError: If there is no such file.
        ValueError: If it cannot be read, is that of a whole inpaintor, or has an entry that is
            missing, of another shape or unknown.
    """
    given = entries_of_checkpoint(checkpoint, '', 'discriminator and confidence')
    foreign = [key for key in given if key.startswith(NOT_OF_ROUND_0)]
    if foreign:
        raise ValueError(
            f'start_checkpoint {checkpoint!r} is not that of a model of round 0 alone: found '
            f'{len(foreign)} entries of other networks, first {foreign[0]!r}; {EXPECTED}'
        )
    # The state of the model, unlike its modules, is the same inside distributed wrappers.
    needed = model.state_dict()
    started = tuple(part for part in STARTED if any(key.startswith(part) for key in needed))
    for key in _keys_of(started, needed, given):
        if shape_of(given, key) != shape_of(needed, key):
            raise ValueError(
                f'start_checkpoint {checkpoint!r} does not fit this config: {key!r}: found '
                f'{shape_of(given, key)}, expected {shape_of(needed, key)}; {EXPECTED} for the '
                'same networks'
            )
    for key in _keys_of(started, needed):
        needed[key].copy_(given[key])
    names = ' and '.join(part.removesuffix('.') for part in started) or 'no part of the model'
    print_log(f'start_checkpoint {checkpoint!r} is the start of: {names}', 'current')


def _keys_of(parts: tuple[str, ...], *states: dict[str, Tensor]) -> list[str]:
    """Names under any of the parts, each once."""
    return [key for key in dict.fromkeys(k for s in states for k in s) if key.startswith(parts)]
