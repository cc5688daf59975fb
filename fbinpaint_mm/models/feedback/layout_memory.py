"""Label maps of labeled images, retrieved by the visible part of a map."""

from __future__ import annotations

import logging
import math
from numbers import Integral, Real
from pathlib import PurePath
from typing import Any
from zlib import crc32

import torch
import torch.nn.functional as F
from mmagic.registry import MODELS
from mmagic.structures import DataSample
from mmengine.dist import all_gather
from mmengine.logging import print_log
from torch import Tensor, nn

from fbinpaint_mm.models.feedback.class_memory import IGNORE_INDEX, class_occupancy
from fbinpaint_mm.user_error import UserError

NO_KEY = -1  # of an image without a name, of one that is not to be remembered, of an empty place
PART_KEY = -2  # of a part of an image, for which no whole label map is retrieved
EMPTY = dict(labels=IGNORE_INDEX, shares=0, keys=NO_KEY)  # what an empty place holds
BUFFERS = (*EMPTY, 'next_place')
FLOOR = 0.01  # share of a cell that every class is given, for the logarithm
NEAREST = 128  # most stored maps that take part in one mean


@MODELS.register_module()
class LayoutMemory(nn.Module):
    """A bank of label maps, of which those that fit the visible part of a map are retrieved.

    A decode head knows the features of the classes, but inside a hole it does not see how classes
    are arranged over the whole image. Here stored maps are weighted by the likelihood of the map's
    visible part, and their mean is retrieved. Only the likeliest 128 take part: no value differs
    from that of the mean of all by more than the weight of the others. Related to scene completion
    by similar images (Hays & Efros, SIGGRAPH 2007) and label transfer (Liu et al., TPAMI 2011). It
    is for whole, aligned images, such as faces.

    The bank holds buffers only and takes no gradient. It is part of the checkpoint: to publish
    one is to publish the label maps in it. ``EMAHook`` must leave ``update_buffers`` at ``False``,
    which copies them; an average of label maps is none. Each image has one place, which its newest
    label map (mirrored perhaps) takes; when all are taken, the image that came first makes room.
    From a checkpoint with another capacity the newest label maps are taken over, as many as fit;
    from one with other classes or sizes none. The log says so.

    Args:
        num_classes: K, number of classes.
        capacity: M, number of label maps.
        size: Side G of a stored map, in cells; maps of any size and aspect are resized to it.
        coarse_size: Side g, in cells, at which maps are compared; a divisor of ``size``.
        temperature: Divides the mean log-likelihood, in nats per cell, of a stored map; smaller
            means that fewer stored maps take part in the mean.

    Attributes:
        labels: (M, G, G) uint8 buffer, class ids, 255 where unknown.
        shares: (M, K, g, g) float16 buffer in [0, 1], share of every cell that each class covers.
        keys: (M,) int64 buffer, which image it is; -1 for an empty place.
        next_place: 0-d int64 buffer in [0, M).

    Raises:
        UserError: If ``capacity`` or ``coarse_size`` is no whole number above 0, ``size`` is no
            multiple of ``coarse_size``, or ``temperature`` is no positive number.
    """

    labels: Tensor
    shares: Tensor
    keys: Tensor
    next_place: Tensor
    _known: Tensor
    _logarithms: Tensor

    def __init__(
        self,
        num_classes: int,
        capacity: int = 128,
        size: int = 64,
        coarse_size: int = 16,
        temperature: float = 0.1,
    ) -> None:
        super().__init__()
        given = dict(capacity=capacity, size=size, coarse_size=coarse_size)
        is_whole = all(isinstance(value, Integral) and value > 0 for value in given.values())
        is_positive = isinstance(temperature, Real) and temperature > 0
        if not (is_whole and is_positive) or size % coarse_size:
            raise UserError(
                'LayoutMemory needs a capacity of at least 1, a size that is a multiple of '
                'coarse_size (whole numbers) and a positive temperature, got '
                f'{given | dict(temperature=temperature)}'
            )
        self.num_classes = num_classes
        self.temperature = temperature
        # Half precision is exact where a cell has 4, 16, 64, ... of the stored pixels.
        shares = torch.zeros(capacity, num_classes, coarse_size, coarse_size, dtype=torch.float16)
        self.register_buffer(
            'labels', torch.full((capacity, size, size), IGNORE_INDEX, dtype=torch.uint8)
        )
        self.register_buffer('shares', shares)
        self.register_buffer('keys', torch.full((capacity,), NO_KEY))
        self.register_buffer('next_place', torch.zeros((), dtype=torch.long))
        # What follows from the shares alone, so that no round computes it.
        known, logarithms = _derived(self.shares)
        self.register_buffer('_known', known, persistent=False)
        self.register_buffer('_logarithms', logarithms, persistent=False)

    def _load_from_state_dict(
        self, state_dict: dict[str, Tensor], prefix: str, *args: Any, **kwargs: Any
    ) -> None:
        """Take over the newest label maps of a memory of another capacity, as many as fit.

        Of other classes or sizes none fits, and it is empty afterwards. mmengine would pass over
        what does not fit and take over the rest: a memory that counts maps that it does not hold.
        """
        names = {name: f'{prefix}{name}' for name in BUFFERS}
        if state_dict.keys() >= set(names.values()):
            fitted = self._fitted({name: state_dict[key] for name, key in names.items()})
            state_dict.update({names[name]: value for name, value in fitted.items()})
        super()._load_from_state_dict(state_dict, prefix, *args, **kwargs)
        self._known[:], self._logarithms[:] = _derived(self.shares)

    def _fitted(self, given: dict[str, Tensor]) -> dict[str, Tensor]:
        """The buffers of a memory in the places of this one, the oldest label map first."""
        if all(given[name].shape == getattr(self, name).shape for name in EMPTY):
            return given
        fitted = {name: torch.full_like(getattr(self, name), EMPTY[name]) for name in EMPTY}
        if any(given[name].shape[1:] != fitted[name].shape[1:] for name in EMPTY):
            _warn('is empty, since the label maps of the checkpoint are of other classes or sizes')
            return dict(fitted, next_place=torch.zeros_like(self.next_place))
        held, capacity = _oldest_first(given), len(self.keys)
        kept = held[-capacity:]
        for name, value in fitted.items():
            value[: len(kept)] = given[name][kept]
        _warn(
            f'takes over the newest {len(kept)} of {len(held)} label maps, from a memory of '
            f'{len(given["keys"])} into one of {capacity}'
        )
        return dict(fitted, next_place=torch.full_like(self.next_place, len(kept) % capacity))

    @torch.no_grad()
    def update(self, labels: Tensor, keys: Tensor) -> None:
        """Remember the label maps of a batch, of all ranks.

        Every rank must call this in the same iterations, with batches of one size.

        Args:
            labels: (N, 1, H, W) int64 class ids in [0, K), 255 where unknown.
            keys: (N,) int64, which image it is, 0 or more; -1 for one that is not to be remembered.
        """
        small = F.interpolate(labels.float(), self.labels.shape[-2:], mode='nearest-exact')
        small = small[:, 0].to(torch.uint8)
        small, keys = (torch.cat(all_gather(one.contiguous())) for one in (small, keys))
        indices, next_place = self._plan(keys.tolist())
        if not indices:
            return
        places, chosen = list(indices), list(indices.values())
        coarse = self.shares.shape[-2:]
        self.shares[places] = class_occupancy(small[chosen].long(), self.num_classes, coarse).half()
        self.labels[places], self.keys[places] = small[chosen], keys[chosen]
        self._known[places], self._logarithms[places] = _derived(self.shares[places])
        self.next_place.fill_(next_place)

    def _plan(self, keys: list[int]) -> tuple[dict[int, int], int]:
        """Which image of a batch takes which place, and the next place after that.

        In one order, whichever rank an image was on.
        """
        held, next_place, indices = self.keys.tolist(), int(self.next_place), {}
        places = {key: place for place, key in enumerate(held)}
        for key, index in sorted(zip(keys, range(len(keys)), strict=True)):
            if key == NO_KEY:
                continue
            if key not in places:
                places.pop(held[next_place], None)
                held[next_place], places[key] = key, next_place
                next_place = (next_place + 1) % len(held)
            indices[places[key]] = index
        return indices, next_place

    @torch.no_grad()
    def forward(self, probabilities: Tensor, mask: Tensor, keys: Tensor | None = None) -> Tensor:
        """Retrieve the mean label map of other images, in the hole and everywhere else.

        Args:
            probabilities: (N, K, H, W) float class probabilities of a map; only its visible part is
                read.
            mask: (N, 1, H, W) float, 1 in the hole.
            keys: (N,) int64, which images these are, so that none retrieves its own labels; -1
                for one without a name; -2 for a part of one, which retrieves nothing. ``None``:
                every stored map may be retrieved.

        Returns:
            (N, K, H, W) float32 mean label map in [0, 1]; all zero as long as nothing, or nothing
            but the image itself, is remembered.
        """
        with torch.autocast(probabilities.device.type, enabled=False):
            weights, places = self._nearest(probabilities.float(), mask.float(), keys)
            mean = self._mean(weights, places)
            return F.interpolate(mean, mask.shape[-2:], mode='bilinear', align_corners=False)

    def _mean(self, weights: Tensor, places: Tensor) -> Tensor:
        """(N, K, G, G) float32 mean of stored maps; unknown pixels belong to no class."""
        labels = self.labels[places].long().clamp(max=self.num_classes)
        # Not `len`, which a trace takes for a constant.
        planes = weights.new_zeros(labels.shape[0], self.num_classes + 1, *labels.shape[-2:])
        shares = weights[..., None, None].expand(labels.shape)
        return planes.scatter_add(1, labels, shares)[:, : self.num_classes]

    def _nearest(
        self, probabilities: Tensor, mask: Tensor, keys: Tensor | None
    ) -> tuple[Tensor, Tensor]:
        """The likeliest stored maps: (N, m) float32 shares in the mean, (N, m) int64 places."""
        likelihood = self._likelihood(probabilities, 1 - mask) / self.temperature
        others = (self.keys != NO_KEY).unsqueeze(0).expand(likelihood.shape)
        if keys is not None:
            others = others & (self.keys != keys.unsqueeze(1)) & (keys != PART_KEY).unsqueeze(1)
        lowest = torch.finfo(likelihood.dtype).min
        count = min(NEAREST, len(self.keys))
        nearest, places = likelihood.masked_fill(~others, lowest).topk(count)
        return nearest.softmax(1) * others.gather(1, places), places

    def _likelihood(self, probabilities: Tensor, visible: Tensor) -> Tensor:
        """(N, M) float32 mean log-likelihood of the visible part under every stored map.

        The mean is over cells that are known in the stored map; without any it is that of chance.
        """
        # Matrix products: `einsum` would copy the whole bank at every call.
        total = self._coarse(probabilities * visible).flatten(1) @ self._logarithms.T
        common = self._coarse(visible).flatten(1) @ self._known.T
        chance = -math.log(self.num_classes)
        return torch.where(common > 1e-6, total / common.clamp_min(1e-6), chance)

    def _coarse(self, planes: Tensor) -> Tensor:
        """(N, C, g, g) means over cells of (N, C, H, W).

        In two steps, which ONNX has for images of any size.
        """
        size = self.labels.shape[-1]
        cells = F.interpolate(planes, (size, size), mode='bilinear', align_corners=False)
        return F.avg_pool2d(cells, size // self.shares.shape[-1])


def _derived(shares: Tensor) -> tuple[Tensor, Tensor]:
    """What retrieval reads of (M, K, g, g) shares, in float32.

    The known share of each cell, (M, g * g), and the logarithm of each class's share of that, times
    the known share, (M, K * g * g).
    """
    shares = shares.float()
    known = shares.sum(1, keepdim=True)
    logarithms = known * (shares / known.clamp_min(1e-6) + FLOOR).log()
    return known.flatten(1), logarithms.flatten(1)


def _oldest_first(memory: dict[str, Tensor]) -> list[int]:
    """The places of a memory that hold a label map."""
    keys, first = memory['keys'].tolist(), int(memory['next_place'])
    places = [*range(first, len(keys)), *range(first)]
    return [place for place in places if keys[place] != NO_KEY]


def _warn(message: str) -> None:
    print_log(f'LayoutMemory: {message}', 'current', logging.WARNING)


def image_keys_of(data_samples: DataSample, device: torch.device) -> Tensor:
    """A number for every image of a batch, the same in every run.

    It is made of the file's name and that of its folder, so that it stays when a data set moves.
    Of 30,000 images a few may share one, and then share a place in a :class:`LayoutMemory`.

    Args:
        data_samples: Stacked sample. In its metainfo, lists with one entry for each image, or
            nothing: ``gt_path``, text, and ``is_part``, whether it is a part of a larger image.
        device: Of the result.

    Returns:
        (N,) int64 of 0 or more; -1 for images without a path, -2 for parts.
    """
    count = len(data_samples.mask)
    paths = data_samples.get('gt_path') or [None] * count
    parts = data_samples.get('is_part') or [False] * count
    keys = [
        PART_KEY if is_part else NO_KEY if path is None else _key(path)
        for path, is_part in zip(paths, parts, strict=True)
    ]
    return torch.tensor(keys, device=device)


def _key(path: str) -> int:
    return crc32('/'.join(PurePath(path).parts[-2:]).encode())
