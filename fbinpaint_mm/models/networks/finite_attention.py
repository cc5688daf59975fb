"""mmagic's contextual attention, kept finite."""

from __future__ import annotations

import torch.nn.functional as F
from mmagic.models.editors.deepfillv1 import ContextualAttentionModule
from torch import Tensor, nn


def keep_attention_finite(network: nn.Module) -> None:
    """Keeps mmagic's contextual attention from giving NaN; all else stays bit-identical.

    Its softmax over patches is over none where every patch of an image touches the hole. Such an
    image attends to all patches.

    Args:
        network: Any network; each ``ContextualAttentionModule`` in it gets a hook.
    """
    for module in network.modules():
        if isinstance(module, ContextualAttentionModule):
            module.register_forward_pre_hook(_unmask_where_nothing_is_left)


def _unmask_where_nothing_is_left(
    module: ContextualAttentionModule, inputs: tuple[Tensor, Tensor, Tensor]
) -> tuple[Tensor, Tensor, Tensor]:
    """The inputs of the attention, without the mask for images whose patches all touch the hole."""
    features, context, mask = inputs
    small = F.interpolate(mask, scale_factor=module.scale)
    touched = F.max_pool2d(
        small,
        module.unfold_corr_kernel_size,
        module.unfold_corr_stride,
        module.unfold_corr_padding,
        module.unfold_corr_dilation,
    )
    nothing_left = touched.amin(dim=(1, 2, 3), keepdim=True)
    return features, context, mask * (1.0 - nothing_left)
