"""Any discriminator of mmagic, or several, as the adversary of composites."""

from __future__ import annotations

from collections.abc import Sequence

import torch.nn.functional as F
from mmagic.models.utils import extract_bbox_patch
from mmagic.registry import MODELS
from mmengine.model import BaseModule
from torch import Tensor, nn

from fbinpaint_mm.user_error import UserError

VIEWS = ('image', 'image_and_mask', 'global_local')


@MODELS.register_module()
class MMagicDiscriminatorAdapter(BaseModule):
    """Gives a discriminator of mmagic the input it was made for.

    The model hands every discriminator four channels, image and hole mask. One that reads them
    (``MultiLayerDiscriminator``, ``SoftMaskPatchDiscriminator``, ``PatchDiscriminator``,
    ``UNetDiscriminatorWithSpectralNorm`` with ``in_channels=4``) needs no adapter, except
    ``PatchDiscriminator`` and ``SoftMaskPatchDiscriminator``, which no Runner can initialize
    without.

    Args:
        discriminator: Config of a discriminator in mmagic's registry.
        view: Its input: 'image', three channels; 'image_and_mask', four; 'global_local', a pair
            of the image and a square window of it, three channels each, as ``GLDiscs`` and
            ``DeepFillv1Discriminators`` expect it.
        local_size: Side in pixels of the window, which is where it holds most of the hole.

    Raises:
        UserError: If the view is unknown, or ``local_size`` is missing where it is needed.
    """

    def __init__(
        self, discriminator: dict, view: str = 'image_and_mask', local_size: int | None = None
    ) -> None:
        super().__init__()
        if view not in VIEWS:
            raise UserError(f'view: found {view!r}, expected one of {VIEWS}')
        if (view == 'global_local') != (local_size is not None):
            raise UserError(
                f"local_size: found {local_size} with view={view!r}; 'global_local' needs the side "
                'of the window in pixels, the other views have none'
            )
        self.discriminator = MODELS.build(discriminator)
        self.view = view
        self.local_size = local_size

    def init_weights(self) -> None:
        """Initialize the discriminator as mmagic means to.

        mmagic's patch discriminators fail while they report to mmengine what they did to each
        layer; they do not report where there is nothing to report to.
        """
        reports = {
            layer: vars(layer).pop('_params_init_info')
            for layer in self.discriminator.modules()
            if '_params_init_info' in vars(layer)
        }
        if hasattr(self.discriminator, 'init_weights'):
            self.discriminator.init_weights()
        for layer, report in reports.items():
            layer._params_init_info = report

    def forward(self, x: Tensor) -> Tensor | tuple[Tensor, ...]:
        """Scores of a composite.

        Args:
            x: (N, 4, H, W) float, image in [-1, 1] and mask, 1 in the hole.

        Returns:
            Whatever the discriminator returns.

        Raises:
            UserError: If the image is smaller than the window.
        """
        if self.view == 'image_and_mask':
            return self.discriminator(x)
        image, mask = x.split([3, 1], dim=1)
        if self.local_size is None:  # view 'image'
            return self.discriminator(image)
        return self.discriminator((image, self._window(image, mask, self.local_size)))

    def _window(self, image: Tensor, mask: Tensor, size: int) -> Tensor:
        """(N, 3, size, size), for each image where most of its hole is."""
        if min(image.shape[-2:]) < size:
            raise UserError(
                f'local_size={size} is larger than the image, {tuple(image.shape[-2:])}'
            )
        # Column sums, then row sums: k + k instead of k * k operations for each position.
        covered = F.avg_pool2d(F.avg_pool2d(mask, (size, 1), 1), (1, size), 1)
        best, columns = covered.flatten(1).argmax(1), covered.shape[-1]
        boxes = image.new_tensor([[0, 0, size, size]]).long().repeat(len(image), 1)
        boxes[:, 0], boxes[:, 1] = best // columns, best % columns
        return extract_bbox_patch(boxes, image)


class DiscriminatorEnsemble(BaseModule):
    """Several discriminators, each of which reads every image.

    Args:
        discriminators: Networks that read image and mask, (N, 4, H, W).
    """

    def __init__(self, discriminators: Sequence[nn.Module]) -> None:
        super().__init__()
        self.discriminators = nn.ModuleList(discriminators)

    def forward(self, x: Tensor) -> list[Tensor | Sequence[Tensor]]:
        """(N, 4, H, W) float, image in [-1, 1] and mask, 1 in the hole -> output of each."""
        return [discriminator(x) for discriminator in self.discriminators]


def build_discriminator(cfg: dict | list[dict]) -> nn.Module:
    """Builds a network that reads image and hole mask, (N, 4, H, W).

    Args:
        cfg: Config dict of a discriminator in mmagic's registry, or a list of such: all of them
            used, and their losses are averaged.

    Returns:
        The discriminator; a :class:`DiscriminatorEnsemble` of a list.

    Raises:
        UserError: If a discriminator without adapter does not read four channels.
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
        raise UserError(
            f'disc {type(discriminator).__name__} reads {first.in_channels} channels, but is given '
            '4, image and hole mask; set in_channels=4, or let it see the image alone, or image '
            'and window: dict(type="MMagicDiscriminatorAdapter", view="image" | "global_local", '
            'discriminator=...)'
        )
