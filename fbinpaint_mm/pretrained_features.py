"""Feature layers of torchvision's ImageNet networks: from a file, a folder or the download."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from pickle import UnpicklingError
from typing import TypeGuard

import torch
from mmengine.logging import print_log
from torch import Tensor
from torchvision.models import (
    AlexNet_Weights,
    MobileNet_V2_Weights,
    VGG16_Weights,
    WeightsEnum,
)

from fbinpaint_mm.checkpoint import read_weights
from fbinpaint_mm.user_error import UserError

RANDOM = 'none'
DOWNLOAD = 'download'


@dataclass(frozen=True)
class PretrainedFeatures:
    """Where the weights of one network's ``features`` come from.

    Every function takes ``weights``: a file with ``features.*`` in torchvision's names (any
    precision), or a folder with one of ``files``. 'download' or None: torchvision's download.
    'none': random features, only for smoke tests.

    Attributes:
        name: Name of the network, for messages.
        files: Names looked for in a folder, in this order.
        download: torchvision's weights.
    """

    name: str
    files: tuple[str, ...]
    download: WeightsEnum

    def load(
        self, shapes: Mapping[str, Sequence[int]], weights: str | None, owner: str
    ) -> dict[str, Tensor]:
        """The weights of some or all feature layers.

        Args:
            shapes: Shape of each parameter or buffer that is wanted, by its name below
                ``features.``, such as ``'0.weight'``.
            weights: See the class.
            owner: Name of who asks, for messages.

        Returns:
            Name below ``features.`` -> tensor on the CPU, float32 unless it counts something.

        Raises:
            FileNotFoundError: The weights are neither at ``weights`` nor downloadable.
            UserError: The file holds other weights, or cannot be read as weights alone.
        """
        if weights == RANDOM:
            return random_features(shapes, owner)
        path = self.find(weights, owner) if is_local(weights) else None
        stored = read_weights(str(path)) if path else self._fetch(owner)
        for name, shape in shapes.items():
            key = f'features.{name}'
            if key not in stored or tuple(stored[key].shape) != tuple(shape):
                raise UserError(
                    f'{path or "The download"} holds no {self.name} features: {key} is missing or '
                    f'has another shape than {tuple(shape)}. Expected the state dict of '
                    f"torchvision's {self.name} ('features.{next(iter(shapes))}', ...), with or "
                    'without its classifier.'
                )
        return {name: _single_precision(stored[f'features.{name}']) for name in shapes}

    def find(self, weights: str, owner: str) -> Path:
        """The weight file that a path means.

        Args:
            weights: A file, or a folder with one of ``files``.
            owner: Name of who asks, for messages.

        Returns:
            The file.

        Raises:
            FileNotFoundError: There is none.
        """
        return find_weight_file(weights, self.files, f'{self.name} weights', owner)

    def source(self, weights: str | None, owner: str) -> str:
        """A short name of where the weights come from, for reports.

        Args:
            weights: See the class.
            owner: Name of who asks, for messages.

        Returns:
            Name of the file, or 'random'.
        """
        if weights == RANDOM:
            return 'random'
        return self.find(weights, owner).name if is_local(weights) else Path(self.download.url).name

    def _fetch(self, owner: str) -> dict[str, Tensor]:
        try:
            return self.download.get_state_dict(
                check_hash=True, map_location='cpu', weights_only=True
            )
        except (OSError, RuntimeError, UnpicklingError) as error:
            raise FileNotFoundError(
                f'{owner}: {self.download.url} could not be downloaded to '
                f'{torch.hub.get_dir()}/checkpoints ({error}). Without internet set weights to a '
                f'local file or to a folder with one of {", ".join(self.files)} (in the configs '
                f'of this package: the environment variable FBINPAINT_WEIGHTS), or leave {owner} '
                'out.'
            ) from error


VGG16 = PretrainedFeatures(
    'VGG16',
    (
        'vgg16_features_torchvision.pth',
        'vgg16-397923af.pth',  # torchvision's own name
        'vgg16_features_torchvision_fp16.pth',
    ),
    VGG16_Weights.IMAGENET1K_V1,
)
ALEXNET = PretrainedFeatures(
    'AlexNet',
    (
        'alexnet_features_torchvision.pth',
        'alexnet-owt-7be5be79.pth',  # torchvision's own name
    ),
    AlexNet_Weights.IMAGENET1K_V1,
)
MOBILENET_V2 = PretrainedFeatures(
    'MobileNetV2',
    ('mobilenet_v2-b0353104.pth',),  # torchvision's own name
    MobileNet_V2_Weights.IMAGENET1K_V1,
)


def is_local(weights: str | None) -> TypeGuard[str]:
    """Whether weights are at a path, and no download."""
    return weights not in (None, '', DOWNLOAD)


def find_weight_file(weights: str, names: Sequence[str], what: str, owner: str) -> Path:
    """A file, or the first one of some names in a folder.

    Args:
        weights: Path of the file or folder.
        names: Names to look for in a folder, in this order.
        what: What the file holds, for the message.
        owner: Name of who asks, for the message.

    Returns:
        Path of the file.

    Raises:
        FileNotFoundError: There is none.
    """
    path = Path(weights).expanduser()
    candidates = [path / name for name in names] if path.is_dir() else [path]
    for candidate in candidates:
        if candidate.is_file():
            return candidate
    raise FileNotFoundError(
        f'{owner}: no {what} at {", ".join(map(str, candidates))}. Put one of {", ".join(names)} '
        "there, or set weights='download'."
    )


def random_features(shapes: Mapping[str, Sequence[int]], owner: str) -> dict[str, Tensor]:
    """Random convolutions, the same at every call; the global random state is left alone.

    Args:
        shapes: Shape of each parameter or buffer, by name.
        owner: Name of who asks, for the warning.

    Returns:
        Name -> float32 tensor: He-normal convolutions, biases of 0; batch normalizations that
        change nothing yet.
    """
    print_log(
        f"{owner}: weights='none', the features are random. Only for smoke tests; for results set "
        'weights to a local file or folder.',
        logger='current',
        level=logging.WARNING,
    )
    generator = torch.Generator().manual_seed(0)  # the same on every rank and after a resume
    state = {name: torch.zeros(tuple(shape)) for name, shape in shapes.items()}
    for name, value in state.items():
        if value.ndim == 4:
            fan_in = value[0].numel()
            value.normal_(0.0, (2.0 / fan_in) ** 0.5, generator=generator)
        elif name.endswith(('weight', 'running_var')):
            value.fill_(1.0)
    return state


def _single_precision(value: Tensor) -> Tensor:
    return value.float() if value.is_floating_point() else value
