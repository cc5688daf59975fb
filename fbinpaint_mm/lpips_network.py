"""The network of the ``lpips`` package, its backbone from a local file or the download."""

from __future__ import annotations

import warnings
from pathlib import Path

import torch
from torch import nn

from fbinpaint_mm.pretrained_features import ALEXNET, VGG16

BACKBONES = {'alex': ALEXNET, 'vgg': VGG16}


def build_lpips_network(backbone: str, weights: str | None) -> nn.Module:
    """The network of the ``lpips`` package with its own linear heads and our backbone weights.

    Args:
        backbone: 'alex' or 'vgg'.
        weights: See :class:`PretrainedFeatures`.

    Returns:
        ``lpips.LPIPS``, frozen, in evaluation mode, float32, on the CPU.

    Raises:
        FileNotFoundError: The weights are neither at ``weights`` nor downloadable.
        UserError: The file holds other weights.
    """
    import lpips

    # Built without memory and filled afterwards: no download by the package, no random numbers.
    with torch.device('meta'), warnings.catch_warnings():
        warnings.simplefilter('ignore')  # the package calls torchvision in its old way
        network = lpips.LPIPS(pretrained=False, net=backbone, pnet_rand=True, verbose=False)
    # net.slice2.3.weight is torchvision's features.3.weight
    names = {name: name.split('.', 2)[2] for name in network.state_dict() if name[:4] == 'net.'}
    shapes = {short: network.state_dict()[name].shape for name, short in names.items()}
    features = BACKBONES[backbone].load(shapes, weights, 'LPIPS')
    heads = Path(lpips.__file__).parent / 'weights' / 'v0.1' / f'{backbone}.pth'
    state = {name: features[short] for name, short in names.items()}
    state.update(torch.load(heads, 'cpu', weights_only=True))
    network.load_state_dict(state, strict=False, assign=True)
    return network.requires_grad_(False).eval()
