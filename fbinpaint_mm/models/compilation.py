"""Compiles the networks of a model with ``torch.compile``."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from torch import nn


def compile_networks(
    segmentors: list[nn.Module | None], networks: list[nn.Module | None], options: dict[str, Any]
) -> None:
    """Have networks compiled at their first call, in place: state dicts keep their names.

    The bodies of segmentors (backbone and neck) are compiled, their decode heads are not: the
    feedback comes and goes there through torch hooks, which a compiled graph would not see change.

    Args:
        segmentors: mmseg ``EncoderDecoder`` modules; ``None`` is left out.
        networks: Modules to compile whole; ``None`` is left out.
        options: Keyword arguments of ``torch.compile``, such as ``mode`` or ``backend``.
    """
    bodies = (body for segmentor in segmentors for body in _bodies(segmentor))
    for network in (*networks, *bodies):
        if network is not None:
            network.compile(**options)


def _bodies(segmentor: nn.Module | None) -> Iterator[nn.Module | None]:
    yield from (getattr(segmentor, name, None) for name in ('backbone', 'neck'))
