"""The image and hole pairs that all entries are scored on."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from copy import deepcopy
from enum import Enum
from typing import Any, NoReturn

import torch
from mmagic.structures import DataSample
from mmengine.config import Config
from mmengine.registry import DATASETS
from mmengine.runner import Runner
from torch import Tensor
from torch.utils.data import DataLoader

from fbinpaint_mm.benchmark.picture_files import INPUT, TRUTH, PictureFiles, masked_image
from fbinpaint_mm.benchmark.results import BenchmarkData
from fbinpaint_mm.config_mistakes import mistakes_in_settings
from fbinpaint_mm.evaluation.metrics.sample_wise_metric import image_name, sample_name
from fbinpaint_mm.user_error import UserError


class Labels(Enum):
    """Which label maps a model sees: none, or true ones, or true ones that guide it.

    None for a model of other classes; for those that guide see `DictateLabelMap`.
    """

    HIDDEN, SEEN, DICTATED = range(3)


class ImageHolePairs:
    """The pairs in a fixed order, loaded anew for every model, and checked to be the same ones.

    Nothing is kept in memory: a model gets fresh batches, and may write into them.

    Args:
        cfg: Config with the data set.
        config: Its path, for the report.
        split: ``'val'`` or ``'test'``: which data loader of the config.
        batch_size: Images per batch; by default the data loader's. It is 1 if images differ in
            size.
        max_images: Use only so many images, the first ones, with all their holes.

    Attributes:
        sizes: After ``survey``: name of each image -> its height and width.
        hashes: After ``survey``: name of each image -> its ``pixel_hash``.

    Raises:
        UserError: The config has no such data loader, or several.
    """

    def __init__(
        self,
        cfg: Config,
        config: str,
        split: str = 'test',
        batch_size: int | None = None,
        max_images: int | None = None,
    ) -> None:
        settings = cfg.get(f'{split}_dataloader')
        if not isinstance(settings, dict):
            found = 'none' if settings is None else 'several'
            raise UserError(
                f'{config}: the benchmark needs one {split}_dataloader, found {found}; name '
                'another config with --data, or the other --split'
            )
        self.config = config
        self.split = split
        self.settings = deepcopy(settings)
        self.dataset = build_dataset(self.settings.pop('dataset'), max_images)
        # Whatever the config does with its batches, here every image comes once and in order.
        for key in ('batch_sampler', 'drop_last', 'num_batch_per_epoch'):
            self.settings.pop(key, None)
        self.settings['sampler'] = dict(type='DefaultSampler', shuffle=False)
        self.dataloader = self._build_dataloader(batch_size or self.settings['batch_size'])
        self.sizes: dict[str, tuple[int, int]] = {}
        self.hashes: dict[str, str] = {}
        self._data: BenchmarkData | None = None

    def __len__(self) -> int:
        return len(self.dataset)

    @property
    def data(self) -> BenchmarkData:
        """What ``survey`` found."""
        assert self._data is not None, 'survey the pairs first'
        return self._data

    def survey(self, pictures: PictureFiles) -> BenchmarkData:
        """Look at all pairs once.

        Args:
            pictures: Gets the images with and without their holes, as ``input`` and ``truth``.

        Returns:
            The description, also kept as ``data``.

        Raises:
            UserError: Two samples have the same name, or one lacks its image or hole; or holes
                are drawn anew each time.
        """
        self._check_fixed()
        for kind in (INPUT, TRUTH):
            pictures.clear(kind)
        digest = hashlib.sha256()
        areas: dict[str, float] = {}
        images: list[str] = []
        sizes, self.hashes = {}, {}
        for sample in (one for batch in self.dataloader for one in batch['data_samples']):
            truth = truth_of(sample)
            name, image, hole = sample_name(truth), truth['gt_img'], truth['mask'] != 0
            if name in areas:
                raise UserError(
                    f'{self.config}: {self.split} has the sample {name!r} twice; scores are paired '
                    'by name, so give the images different paths'
                )
            update_digest(digest, truth)
            images.append(image_name(truth))
            areas[name], sizes[name] = hole.double().mean().item(), tuple(image.shape[-2:])
            self.hashes[name] = pixel_hash(truth)
            pictures.save(TRUTH, name, image)
            pictures.save(INPUT, name, masked_image(image, hole))
        self.sizes = sizes
        if len(set(sizes.values())) > 1:
            self.dataloader = self._build_dataloader(1)
        self._data = BenchmarkData(
            config=self.config,
            split=self.split,
            samples=list(areas),
            hole_areas=list(areas.values()),
            size=next(iter(sizes.values())),
            sha256=digest.hexdigest(),
            images=images if len(set(images)) < len(images) else [],
        )
        return self.data

    def batches(
        self, labels: Labels = Labels.SEEN
    ) -> Iterator[tuple[dict[str, list], list[dict[str, Any]]]]:
        """All pairs once more.

        Args:
            labels: Which label maps the model gets.

        Yields:
            A batch as the data loader collates it, ``inputs`` and ``data_samples``, for the model;
            and the fields of its samples, ``gt_img`` (3, H, W) in 0..255 BGR, ``mask`` (1, H, W)
            and all others, in copies that the model cannot reach.

        Raises:
            UserError: At the end, if these were not the pairs that ``survey`` saw.
        """
        digest = hashlib.sha256()
        for batch in self.dataloader:
            truths = [truth_of(sample) for sample in batch['data_samples']]
            for truth in truths:
                update_digest(digest, truth)
            yield for_model(batch, labels), truths
        if digest.hexdigest() != self.data.sha256:
            self._refuse_random()

    def first_batch(self, labels: Labels = Labels.SEEN) -> dict[str, list]:
        """A batch of the first pair alone."""
        batch = {key: [value] for key, value in self.dataset[0].items()}
        return for_model(batch, labels)

    def _check_fixed(self) -> None:
        """Look at the first pair twice, before a pass over all of them is wasted."""
        digests = [hashlib.sha256() for _ in range(2)]
        for digest in digests:
            update_digest(digest, truth_of(self.dataset[0]['data_samples']))
        if digests[0].digest() != digests[1].digest():
            self._refuse_random()

    def _refuse_random(self) -> NoReturn:
        raise UserError(
            f'{self.config}: the {self.split} data set gives other images or holes each time, so '
            'scores would not be comparable; use fixed holes (FixedHole, or HoleFromFolder with '
            "pairing='stem') and no random transform"
        )

    def _build_dataloader(self, batch_size: int) -> DataLoader:
        settings = dict(self.settings, dataset=self.dataset, batch_size=batch_size)
        return Runner.build_dataloader(settings, seed=0)


def build_dataset(config: dict, max_images: int | None) -> Any:
    """Build a data set, and leave out all images but the first ones.

    Args:
        config: Config of an mmengine data set.
        max_images: How many to keep; ``None`` for all.

    Returns:
        The data set, initialized.
    """
    with mistakes_in_settings(Config(dict(dataset=config))):
        dataset = DATASETS.build(config)
    if hasattr(dataset, 'full_init'):
        dataset.full_init()
    holes = getattr(dataset, 'holes_per_image', 1)
    if max_images is not None and max_images * holes < len(dataset):
        dataset.get_subset_(max_images)
    return dataset


def truth_of(sample: DataSample) -> dict[str, Any]:
    """What a model is compared with: all fields of a sample, copied, with its image in BGR.

    Raises:
        UserError: It has no ``gt_img`` or no ``mask``.
    """
    truth = deepcopy(sample).to_dict()
    missing = [key for key in ('gt_img', 'mask') if key not in truth]
    if missing:
        raise UserError(
            f'{sample_name(truth)}: the sample has no {" and no ".join(missing)}; the benchmark '
            'needs both, pack them with PackInputs or PackSemanticInputs'
        )
    if str(truth.get('gt_channel_order', 'BGR')).upper() == 'RGB':
        truth.update(gt_img=truth['gt_img'].flip(0), gt_channel_order='BGR')
    return truth


def for_model(batch: dict[str, list], labels: Labels) -> dict[str, list]:
    """The batch with the label maps that a model is to see, whatever the data set packs.

    Args:
        batch: As the data set packs it; changed in place.
        labels: Which label maps.

    Returns:
        The same batch.

    Raises:
        UserError: A map is to be dictated, and a sample has none.
    """
    for sample in batch['data_samples']:
        sample.pop('dictated_seg', None)
        if labels is Labels.HIDDEN:
            sample.pop('gt_seg', None)
            sample.set_metainfo(dict(is_labeled=False))
        elif labels is Labels.DICTATED:
            if 'gt_seg' not in sample:
                raise UserError(
                    f'{sample_name(sample.to_dict())}: no gt_seg that could be dictated'
                )
            sample.set_data(dict(dictated_seg=sample.gt_seg.clone()))
    return batch


def update_digest(digest: Any, truth: dict[str, Any]) -> None:
    """Add size and pixels of an image, its hole and its label map to a hash of ``hashlib``."""
    label_map = [truth['gt_seg']] if 'gt_seg' in truth else []
    for pixels in (truth['gt_img'].float().round(), truth['mask'] != 0, *label_map):
        digest.update(repr(tuple(pixels.shape)).encode())
        digest.update(as_bytes(pixels))


def pixel_hash(truth: dict[str, Any]) -> str:
    """SHA-256 of an image and its hole, by which results of other ones are told.

    Args:
        truth: From ``truth_of``.
    """
    digest = hashlib.sha256()
    update_digest(digest, {key: truth[key] for key in ('gt_img', 'mask')})
    return digest.hexdigest()


def as_bytes(pixels: Tensor) -> bytes:
    """The pixels row by row, one byte each."""
    return pixels.to(torch.uint8).contiguous().cpu().numpy().tobytes()
