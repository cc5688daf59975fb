"""torchvision's MobileNetV2 as a backbone of mmseg."""

from __future__ import annotations

from collections.abc import Sequence

from mmagic.registry import MODELS
from mmengine.model import BaseModule
from torch import Tensor
from torchvision.models import mobilenet_v2

from fbinpaint_mm.pretrained_features import MOBILENET_V2
from fbinpaint_mm.user_error import UserError

NUM_LAYERS = 18  # of `features`, without the 1x1 convolution that only the classifier reads


@MODELS.register_module()
class TorchvisionMobileNetV2(BaseModule):
    """The first 18 layers of ``torchvision.models.mobilenet_v2().features``, with its weights.

    mmseg has a MobileNetV2 too, with other parameter names, ImageNet weights out of another package
    and a fixed stem. Inside a config of mmseg write ``type='mmagic.TorchvisionMobileNetV2'``.

    Channels after each layer: 32 | 16 | 24 24 | 32 32 32 | 64 x4 | 96 x3 | 160 x3 | 320. Their
    stride, with a stem of stride 2: 2 | 2 | 4 4 | 8 8 8 | 16 x4 | 16 x3 | 32 x3 | 32. (Sandler et
    al., CVPR 2018, table 2.)

    Args:
        out_indices: Layers after which a feature map is returned, 0 to 17, ascending; layers behind
            the last one are left out. By default the last one of every stride:
            16, 24, 32, 96 and 320 channels.
        stem_stride: 2 as in torchvision, or 1 for small images of 64 to 128 px: every feature map
            is then twice as large.
        weights: A file with ``features.*`` in torchvision's names (any precision), or a folder
            with one of ``pretrained_features.MOBILENET_V2.files``. '' or None: torchvision's
            download. 'none': random weights, logs a warning. Read by ``init_weights``, which a
            Runner calls before training, even if a checkpoint follows; tests and inference need no
            file.

    Raises:
        UserError: If ``out_indices`` or ``stem_stride`` is none of these.
    """

    def __init__(
        self,
        out_indices: Sequence[int] = (1, 3, 6, 13, 17),
        stem_stride: int = 2,
        weights: str | None = None,
    ) -> None:
        super().__init__()
        _check_out_indices(out_indices)
        if stem_stride not in (1, 2):
            raise UserError(
                f'stem_stride of TorchvisionMobileNetV2: found {stem_stride!r}, expected 2, or 1 '
                'for small images'
            )
        self.out_indices = tuple(out_indices)
        self.weights = weights
        self.features = mobilenet_v2(weights=None).features[: self.out_indices[-1] + 1]
        self.features[0][0].stride = (stem_stride, stem_stride)

    def init_weights(self) -> None:
        """Load the weights, with the statistics of batch normalization.

        Raises:
            FileNotFoundError: If the weights are neither at ``weights`` nor downloadable.
            UserError: If the file holds no MobileNetV2.
        """
        shapes = {name: value.shape for name, value in self.features.state_dict().items()}
        state = MOBILENET_V2.load(shapes, self.weights, type(self).__name__)
        self.features.load_state_dict(state)

    def forward(self, x: Tensor) -> tuple[Tensor, ...]:
        """Features of images.

        Args:
            x: (N, 3, H, W) float RGB, normalized with ImageNet's mean and standard deviation.

        Returns:
            For each of ``out_indices`` (N, C, h, w) float, of any value; see the class for the
            channels. Sides are H and W over the stride, rounded up.
        """
        maps = []
        for index, layer in enumerate(self.features):
            x = layer(x)
            if index in self.out_indices:
                maps.append(x)
        return tuple(maps)


def _check_out_indices(out_indices: Sequence[int]) -> None:
    indices = list(out_indices)
    if not indices or indices != sorted(set(indices) & set(range(NUM_LAYERS))):
        raise UserError(
            f'out_indices of TorchvisionMobileNetV2: found {indices}, expected ascending layers '
            f'from 0 to {NUM_LAYERS - 1}'
        )
