"""One interface for every encoder-decoder of mmagic, fed as mmagic's own inpaintors feed it."""

from __future__ import annotations

import copy
from collections.abc import Callable

import torch
from mmagic.registry import MODELS
from mmengine.model import BaseModule
from mmengine.model.weight_init import initialize
from mmengine.registry import DefaultScope
from torch import Tensor, nn

from fbinpaint_mm.checkpoint import read_weights
from fbinpaint_mm.models.networks.mmagic_repairs import keep_attention_finite
from fbinpaint_mm.user_error import UserError


def feed_gl(network: nn.Module, image: Tensor, mask: Tensor) -> Tensor:
    """As ``OneStageInpaintor`` and ``GLInpaintor``: 4 channels, 0 in the hole."""
    return network(torch.cat([image, mask], dim=1))


def feed_aot(network: nn.Module, image: Tensor, mask: Tensor) -> Tensor:
    """As ``AOTInpaintor``: 4 channels, the hole is white (1), not gray."""
    return network(torch.cat([image + mask, mask], dim=1))


def feed_pconv(network: nn.Module, image: Tensor, mask: Tensor) -> Tensor:
    """As ``PConvInpaintor``: image and 3-channel validity (1 = known) apart, two outputs."""
    image_out, _ = network(image, (1.0 - mask).repeat(1, 3, 1, 1))
    return image_out


def feed_deepfill(network: nn.Module, image: Tensor, mask: Tensor) -> Tensor:
    """As ``DeepFillv1Inpaintor`` and ``TwoStageInpaintor``: 5 channels, second stage's output."""
    return network(torch.cat([image, torch.ones_like(mask), mask], dim=1))[1]


CONVENTIONS: dict[str, Callable[[nn.Module, Tensor, Tensor], Tensor]] = {
    'gl': feed_gl,
    'aot': feed_aot,
    'pconv': feed_pconv,
    'deepfill': feed_deepfill,
}
CONVENTION_OF_CLASS = {
    'GLEncoderDecoder': 'gl',
    'AOTEncoderDecoder': 'aot',
    'PConvEncoderDecoder': 'pconv',
    'DeepFillEncoderDecoder': 'deepfill',
}
# Strides of the encoders; DeepFill's contextual attention halves its quarter-size features again.
SIZE_DIVISORS = {'gl': 4, 'aot': 4, 'deepfill': 8}

GUIDANCE_CHANNELS = 32  # width of stem and refinement head (our choice)


@MODELS.register_module()
class MMagicNetworkAdapter(BaseModule):
    r"""Lets an encoder-decoder of mmagic serve as ``initial`` or as ``guided`` network.

    Called with ``(masked_img, mask)`` it computes bit for bit what mmagic's own inpaintor computes
    with the same network, so a network trained with mmagic keeps its behavior in round 0 (except
    where mmagic's is NaN: DeepFill's attention when the hole touches every patch of an image; here
    such an image attends to all patches). Nothing is clamped (mmagic clamps when it makes 8-bit
    images): a network without an output activation, such as PConv, may leave [-1, 1] a little.

    With ``num_classes`` given, it is a guided network; the network inside stays as it is:

    * A *stem* of two 3x3 convolutions reads [semantic_map, current, mask, confidence]; its output
      is added to the image that the network sees. Its last layer starts at zero: the network
      starts as if unguided. Partial convolutions erase whatever lies in the hole, and with it any
      guidance; a network fed by the ``pconv`` convention therefore sees ``current``, all valid.
    * A *refinement head* of two 3x3 convolutions reads the network's output and
      all of the above, and predicts a gate and a correction per pixel:

      .. math:: out = current + \tanh(gate) (network - current) + correction

      Its last layer starts at zero, so that at first round r equals round r-1 exactly, whatever the
      network inside produces; rounds that only ever correct do not lose quality from round to
      round. A gate of 0 stops the gradient to the network, yet not the gradient to the gate (as in
      ReZero, Bachlechner et al. 2021): after one optimizer step the gate is open and the network
      learns.

    Args:
        network: Config of an encoder-decoder in mmagic's registry, or the built module. Its
            ``init_cfg`` is honored although mmagic's classes have no such argument.
        num_classes: K, channels of the semantic map. None: an ``initial`` network. 0: guided by
            the current image and the confidence alone.
        convention: How the network is fed: 'gl', 'aot', 'pconv' or 'deepfill'. None: by its class.
        channel_order: Order of the colors that the network was trained with. Images outside the
            network are BGR, mmagic's default; its AOT-GAN configuration trains in 'rgb'.
        size_divisor: Height and width must be multiples of it. None: from the convention.
        init_cfg: Initialization of the network inside, e.g. ``dict(type='Pretrained',
            checkpoint='gl.pth', prefix='generator.')``. A pre-trained checkpoint must fit exactly.

    Raises:
        UserError: If the class of the network is unknown and no convention is given, or an
            argument is out of range.
    """

    speaks_feedback_interface = True

    def __init__(
        self,
        network: dict | nn.Module,
        num_classes: int | None = None,
        convention: str | None = None,
        channel_order: str = 'bgr',
        size_divisor: int | None = None,
        init_cfg: dict | list[dict] | None = None,
    ) -> None:
        super().__init__()
        _check_options(convention, channel_order)
        self.network, own_init_cfg = _build_network(network)
        self.network_init_cfg = copy.deepcopy(init_cfg if init_cfg is not None else own_init_cfg)
        self.convention = convention or _convention_of(self.network)
        self.feed = CONVENTIONS[self.convention]
        self.size_divisor = size_divisor or _size_divisor_of(self.network, self.convention)
        self.minimum_size = _minimum_size_of(self.network)
        keep_attention_finite(self.network)
        self.num_classes = num_classes
        self.channel_order = channel_order
        if num_classes is not None:
            guidance = num_classes + 5  # semantic map, current image, mask, confidence
            self.stem = _two_convolutions(guidance, 3)
            self.refinement_head = _two_convolutions(guidance + 3, 4)
            self._start_unguided()

    def init_weights(self) -> None:
        """Initializes the network inside, from a checkpoint if so configured.

        Raises:
            UserError: If the checkpoint's keys or shapes do not fit the network.
        """
        super().init_weights()
        configs = self.network_init_cfg or []
        for config in [configs] if isinstance(configs, dict) else configs:
            if config['type'] == 'Pretrained':
                _load_pretrained(self.network, **{k: v for k, v in config.items() if k != 'type'})
            else:
                initialize(self.network, config)
        if self.num_classes is not None:
            self._start_unguided()

    def forward(
        self,
        masked_img: Tensor,
        mask: Tensor,
        current: Tensor | None = None,
        semantic_map: Tensor | None = None,
        confidence: Tensor | None = None,
    ) -> Tensor:
        """Inpaints, or improves ``current`` if it is given.

        Args:
            masked_img: (N, 3, H, W) float in [-1, 1], BGR, 0 in the hole.
            mask: (N, 1, H, W) float, 1 in the hole and 0 elsewhere.
            current: (N, 3, H, W) float in [-1, 1], composite of the previous round.
            semantic_map: (N, K, H, W) float class probabilities; None if K is 0.
            confidence: (N, 1, H, W) float in [0, 1]; None: 1 on known pixels, 0 in the hole.

        Returns:
            (N, 3, H, W) float, about [-1, 1], BGR, before compositing.

        Raises:
            UserError: If the network cannot take the image size, guidance does not fit
                ``num_classes``, or the network's output has another size than its input.
        """
        self._check_size(masked_img)
        if current is None:
            return self._run(masked_img, mask)
        guidance = self._stack_guidance(mask, current, semantic_map, confidence)
        if self.convention == 'pconv':
            raw = self._run(current + self.stem(guidance), torch.zeros_like(mask))
        else:
            raw = self._run(masked_img + self.stem(guidance), mask)
        return self._refine(raw, current, guidance)

    def _run(self, image: Tensor, mask: Tensor) -> Tensor:
        if self.channel_order == 'rgb':
            image = image.flip(1)
        raw = self.feed(self.network, image, mask)
        if raw.shape != image.shape:
            raise UserError(
                f'{type(self.network).__name__} returned {tuple(raw.shape)} for an input of '
                f'{tuple(image.shape)}; set size_divisor, or another convention '
                f'(now {self.convention!r}).'
            )
        return raw.flip(1) if self.channel_order == 'rgb' else raw

    def _refine(self, raw: Tensor, current: Tensor, guidance: Tensor) -> Tensor:
        gate, correction = self.refinement_head(torch.cat([raw, guidance], 1)).split([1, 3], 1)
        return current + gate.tanh() * (raw - current) + correction

    def _stack_guidance(
        self, mask: Tensor, current: Tensor, semantic_map: Tensor | None, confidence: Tensor | None
    ) -> Tensor:
        if self.num_classes is None:
            raise UserError(
                'An adapter built without num_classes serves as the initial network only and '
                'takes (masked_img, mask); build the guided network with num_classes.'
            )
        expected = (mask.shape[0], self.num_classes, *mask.shape[2:])
        found = None if semantic_map is None else tuple(semantic_map.shape)
        if found != expected and not (found is None and self.num_classes == 0):
            raise UserError(f'semantic_map: found {found}, expected shape {expected}.')
        confidence = 1.0 - mask if confidence is None else confidence
        maps = [] if semantic_map is None else [semantic_map]
        return torch.cat([*maps, current, mask, confidence], dim=1)

    def _check_size(self, image: Tensor) -> None:
        height, width = image.shape[2:]
        valid = [self._next_valid(side) for side in (height, width)]
        if [height, width] != valid:
            raise UserError(
                f'{type(self.network).__name__} cannot take images of {height}x{width} (height x '
                f'width): sides must be multiples of {self.size_divisor} and at least '
                f'{self._next_valid(1)}. Resize, crop or pad; the next valid size is '
                f'{valid[0]}x{valid[1]}.'
            )

    def _next_valid(self, side: int) -> int:
        return -(-max(side, self.minimum_size) // self.size_divisor) * self.size_divisor

    def _start_unguided(self) -> None:
        _zero(self.stem[-1])
        _zero(self.refinement_head[-1])


def _check_options(convention: str | None, channel_order: str) -> None:
    if convention is not None and convention not in CONVENTIONS:
        raise UserError(f'convention: found {convention!r}, expected one of {list(CONVENTIONS)}.')
    if channel_order not in ('bgr', 'rgb'):
        raise UserError(f"channel_order: found {channel_order!r}, expected 'bgr' or 'rgb'.")


def _build_network(network: dict | nn.Module) -> tuple[nn.Module, dict | list[dict] | None]:
    if isinstance(network, nn.Module):
        return network, None
    config = dict(network)
    # mmagic's encoder-decoders have no init_cfg argument, so the adapter applies it.
    init_cfg = config.pop('init_cfg', None)
    # Their layers ('Deconv', 'PConv') are found only where mmagic is the default scope.
    with DefaultScope.overwrite_default_scope('mmagic'):
        return MODELS.build(config), init_cfg


def _convention_of(network: nn.Module) -> str:
    for ancestor in type(network).__mro__:  # the nearest wins: AOT's class derives from GL's
        if ancestor.__name__ in CONVENTION_OF_CLASS:
            return CONVENTION_OF_CLASS[ancestor.__name__]
    raise UserError(
        f'{type(network).__name__}: not known how mmagic feeds it. Supported: '
        f'{", ".join(CONVENTION_OF_CLASS)} and classes derived from them. Set '
        f'convention={" | ".join(repr(name) for name in CONVENTIONS)} if it is fed like one of '
        'these, or give it forward(masked_img, mask, current, semantic_map, confidence) and the '
        'class attribute speaks_feedback_interface = True.'
    )


def _size_divisor_of(network: nn.Module, convention: str) -> int:
    if convention == 'pconv':
        return 2 ** getattr(getattr(network, 'encoder', None), 'num_layers', 0)
    return SIZE_DIVISORS[convention]


def _minimum_size_of(network: nn.Module) -> int:
    """Reflection needs more pixels than it pads; the widest pads act at a quarter of the size."""
    pads = [max(m.padding) for m in network.modules() if isinstance(m, nn.ReflectionPad2d)]
    return 4 * (max(pads) + 1) if pads else 1


def _two_convolutions(in_channels: int, out_channels: int) -> nn.Sequential:
    return nn.Sequential(
        nn.Conv2d(in_channels, GUIDANCE_CHANNELS, 3, padding=1),
        nn.LeakyReLU(0.2),
        nn.Conv2d(GUIDANCE_CHANNELS, out_channels, 3, padding=1),
    )


def _zero(layer: nn.Module) -> None:
    for parameter in layer.parameters():
        nn.init.zeros_(parameter)


def _load_pretrained(
    network: nn.Module, checkpoint: str, prefix: str = '', map_location: str = 'cpu'
) -> None:
    """``map_location`` is one of mmengine's settings, and changes nothing here."""
    state = read_weights(checkpoint)
    prefix = f'{prefix}.' if prefix and not prefix.endswith('.') else prefix
    found = {k[len(prefix) :]: v for k, v in state.items() if k.startswith(prefix)}
    try:
        network.load_state_dict(found, strict=True)
    except RuntimeError as error:
        raise UserError(
            f'{checkpoint} does not fit {type(network).__name__} under prefix {prefix!r}: the file '
            f'has the prefixes {sorted({k.split(".")[0] + "." for k in state})}; choose the '
            f"network's (mmagic's inpaintors save theirs as 'generator.') and configure the "
            f'network as it was trained. {error}'
        ) from error
