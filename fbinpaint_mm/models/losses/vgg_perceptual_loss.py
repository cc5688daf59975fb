"""mmagic's perceptual and style loss with a VGG16 whose weights may come from a local file."""

from __future__ import annotations

import torch
from mmagic.models.losses import PerceptualLoss
from mmagic.registry import MODELS
from torch import Tensor, nn
from torchvision.models.vgg import cfgs, make_layers

from fbinpaint_mm.pretrained_features import VGG16
from fbinpaint_mm.user_error import UserError

IMAGENET_MEAN = (0.485, 0.456, 0.406)
IMAGENET_STD = (0.229, 0.224, 0.225)


@MODELS.register_module()
class VGGPerceptualLoss(PerceptualLoss):
    """Distance of VGG16 features (perceptual) and of their Gram matrices (style).

    The same numbers as mmagic's ``PerceptualLoss(vgg_type='vgg16')`` on RGB images, with these
    differences: weights may come from a local file; images may be BGR; one pass through the
    network serves both terms, and the target's pass keeps no graph; the frozen network is no
    submodule, so it is neither in checkpoints nor seen by optimizers and DDP. It is loaded by
    ``init_weights``, which a Runner calls before training, or at first use (so that a model loaded
    for inference needs no VGG), and follows the images to their device. Everything is computed in
    float32, also under autocast: Gram matrices overflow in half precision.

    Layer names index torchvision's ``vgg16().features``: '3' relu1_2, '8' relu2_2, '15' relu3_3,
    '22' relu4_3, '29' relu5_3; '4', '9', '16' are the poolings that partial convolutions use
    (Liu et al. 2018). Cost grows with the deepest layer used.

    Args:
        layer_weights: Weight of each layer in the perceptual term.
            None: relu1_2, relu2_2 and relu3_3, each 1 (our choice).
        layer_weights_style: Weight of each layer in the style term. None: as ``layer_weights``.
        perceptual_weight: Factor of the perceptual term; 0 switches it off.
        style_weight: Factor of the style term; 0 switches it off.
        weights: A file with ``features.*`` in torchvision's names (any precision), or a folder
            with one of ``pretrained_features.VGG16.files``. '' or None: torchvision's download.
            'none': random features, only for smoke tests; logs a warning.
        channel_order: Order of the colors of the images, 'bgr' (mmagic's default) or 'rgb'.

    Raises:
        UserError: If a layer name or the channel order is unknown.
    """

    def __init__(
        self,
        layer_weights: dict[str, float] | None = None,
        layer_weights_style: dict[str, float] | None = None,
        perceptual_weight: float = 1.0,
        style_weight: float = 1.0,
        weights: str | None = None,
        channel_order: str = 'bgr',
    ) -> None:
        # PerceptualLoss.__init__ would download the whole VGG, classifier included.
        nn.Module.__init__(self)
        if channel_order not in ('bgr', 'rgb'):
            raise UserError(f"channel_order: found {channel_order!r}, expected 'bgr' or 'rgb'.")
        self.layer_weights = _checked_layers(layer_weights or {'3': 1.0, '8': 1.0, '15': 1.0})
        self.layer_weights_style = _checked_layers(layer_weights_style or self.layer_weights)
        self.perceptual_weight = perceptual_weight
        self.style_weight = style_weight
        self.weights = weights
        self.channel_order = channel_order
        self.criterion = nn.L1Loss()
        # A list hides the network from state_dict, parameters and DDP.
        self._frozen: list[nn.Sequential] = []

    @property
    def used_layers(self) -> set[str]:
        """Names of the layers that the switched-on terms compare."""
        perceptual = self.layer_weights if self.perceptual_weight > 0 else {}
        style = self.layer_weights_style if self.style_weight > 0 else {}
        return {*perceptual, *style}

    def init_weights(self) -> None:
        """Loads the VGG16 now, so that a missing file is reported before training starts.

        Raises:
            FileNotFoundError: If the weights are neither at ``weights`` nor downloadable.
            UserError: If the file holds no VGG16 features.
        """
        if self.used_layers and not self._frozen:
            depth = max(map(int, self.used_layers)) + 1
            self._frozen.append(_build_vgg16(depth, self.weights, self.used_layers))

    def forward(
        self, x: Tensor, gt: Tensor | dict[str, Tensor]
    ) -> tuple[Tensor | None, Tensor | None]:
        """Compares images with their targets.

        Args:
            x: (N, 3, H, W) images in [-1, 1]; the gradient flows here.
            gt: (N, 3, H, W) targets in [-1, 1], or what :meth:`features` gave for them: several
                rounds compared with the same target then share its pass and its Gram matrices.

        Returns:
            Perceptual and style loss, float32 scalars; None for a term that is switched off.
        """
        if not self.used_layers:
            return None, None
        target = gt if isinstance(gt, dict) else self.features(gt.detach())
        found = self.features(x)
        with torch.autocast(x.device.type, enabled=False):
            perceptual = self._distance(found, target, self.layer_weights, self.perceptual_weight)
            grams = {gram_of(layer): weight for layer, weight in self.layer_weights_style.items()}
            return perceptual, self._distance(found, target, grams, self.style_weight)

    def features(self, images: Tensor) -> dict[str, Tensor]:
        """Activations of the used layers, and the Gram matrices of those that set the style.

        Args:
            images: (N, 3, H, W) in [-1, 1], any float dtype, in ``channel_order``.

        Returns:
            For each used layer (N, C, h, w) float32, and as :func:`gram_of` its name (N, C, C);
            without graph if ``images`` needs none.
        """
        self.init_weights()
        vgg = self._frozen[0].to(images.device)
        style = self.layer_weights_style if self.style_weight > 0 else {}
        with torch.autocast(images.device.type, enabled=False):
            found = _activations(vgg, self._normalize(images.float()), self.used_layers)
            return found | {gram_of(layer): self._gram_mat(found[layer]) for layer in style}

    def _normalize(self, images: Tensor) -> Tensor:
        images = images.flip(1) if self.channel_order == 'bgr' else images
        images = (images + 1.0) * 0.5
        mean = images.new_tensor(IMAGENET_MEAN).view(1, 3, 1, 1)
        return (images - mean) / images.new_tensor(IMAGENET_STD).view(1, 3, 1, 1)

    def _distance(
        self,
        found: dict[str, Tensor],
        target: dict[str, Tensor],
        weights: dict[str, float],
        factor: float,
    ) -> Tensor | None:
        """``factor`` times the weighted sum of distances; ``None`` if that is switched off."""
        if factor <= 0:
            return None
        terms = [weight * self.criterion(found[k], target[k]) for k, weight in weights.items()]
        return factor * sum(terms)


def gram_of(layer: str) -> str:
    """Name of the Gram matrix of a layer among the features."""
    return f'gram of {layer}'


def _checked_layers(layer_weights: dict[str, float]) -> dict[str, float]:
    known = {str(index) for index in range(31)}
    layers = {str(layer): weight for layer, weight in layer_weights.items()}
    if not set(layers) <= known:
        raise UserError(
            f"layer_weights: found {sorted(set(layers) - known)}, expected names '0' to '30', the "
            "indices in torchvision's vgg16().features ('15' is relu3_3)."
        )
    return layers


def _activations(vgg: nn.Sequential, x: Tensor, layers: set[str]) -> dict[str, Tensor]:
    activations = {}
    for name, layer in vgg.named_children():
        x = layer(x)
        if name in layers:
            activations[name] = x
    return activations


def _build_vgg16(depth: int, weights: str | None, kept: set[str]) -> nn.Sequential:
    # Built without memory and filled afterwards: the global random state stays as it was.
    with torch.device('meta'):
        vgg = make_layers(cfgs['D'], batch_norm=False)[:depth]
    shapes = {name: value.shape for name, value in vgg.state_dict().items()}
    vgg.load_state_dict(VGG16.load(shapes, weights, 'VGGPerceptualLoss'), assign=True)
    for index, layer in enumerate(vgg):
        if isinstance(layer, nn.ReLU):
            # Saves memory, but would overwrite the activation of a convolution that is compared.
            layer.inplace = str(index - 1) not in kept
    return vgg.requires_grad_(False).eval()
