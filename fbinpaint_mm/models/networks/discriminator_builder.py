"""Builds the discriminator from plain config dicts."""

from __future__ import annotations

from mmagic.registry import MODELS
from torch import nn

from fbinpaint_mm.models.networks.discriminator_ensemble import DiscriminatorEnsemble
from fbinpaint_mm.models.networks.mmagic_discriminator_adapter import MMagicDiscriminatorAdapter


def build_discriminator(cfg: dict | list[dict]) -> nn.Module:
    """Builds a network that judges image and hole mask, (N, 4, H, W).

    Args:
        cfg: Config dict of a discriminator in mmagic's registry, or a list of such: all of them
            judge, and their losses are averaged.

    Returns:
        The discriminator; a :class:`DiscriminatorEnsemble` of a list.

    Raises:
        ValueError: If a discriminator without adapter does not read four channels.
    """
    if isinstance(cfg, (list, tuple)):
        return DiscriminatorEnsemble([build_discriminator(one) for one in cfg])
    discriminator = MODELS.build(cfg)
    if not isinstance(discriminator, MMagicDiscriminatorAdapter):
        _check_channels(discriminator)
    return discriminator


def _check_channels(discriminator: nn.Module) -> None:
    first = next((m for m in discriminator.modules() if isinstance(m, nn.Conv2d)), None)
    if first is not None and first.in_channels != 4:
        raise ValueError(
            f'disc {type(discriminator).__name__} reads {first.in_channels} channels, but is given '
            '4, image and hole mask; set in_channels=4, or let it see the image alone, or image '
            'and window: dict(type="MMagicDiscriminatorAdapter", view="image" | "global_local", '
            'discriminator=...)'
        )
