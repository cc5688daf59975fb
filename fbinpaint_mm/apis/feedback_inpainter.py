"""From a picture with a hole to a result, without knowing mmengine."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator, Sequence
from functools import cached_property
from numbers import Integral
from typing import Any, overload
from weakref import WeakKeyDictionary

import numpy as np
import torch
from mmagic.structures import DataSample
from mmengine.config import Config
from torch import nn

from fbinpaint_mm.apis.finite import check_finite_rounds
from fbinpaint_mm.apis.hole_and_map import notes_on_mask, read_dictated_map, read_hole
from fbinpaint_mm.apis.hole_crop import HoleCrop, Sight, trained_side
from fbinpaint_mm.apis.inpainting_job import InpaintingJob
from fbinpaint_mm.apis.inpainting_result import InpaintingResult
from fbinpaint_mm.apis.load_model import (
    class_metainfo,
    dataset_image_size,
    load_config,
    load_model,
)
from fbinpaint_mm.models.feedback import IGNORE_INDEX
from fbinpaint_mm.picture import PictureSource, read_picture
from fbinpaint_mm.pretrained import checkpoint_of
from fbinpaint_mm.user_error import UserError
from fbinpaint_mm.visualization.drawing import default_palette

# A network makes little of holes that are much larger than those that it was trained on.
LARGEST_ENLARGEMENT = 2
# Pictures of one size run together as long as a batch has no more pixels than this many of the
# largest crops.
CROPS_OF_A_BATCH = 4
# One thread at a time: modules, those of mmagic and mmseg too, keep the state of a call.
# Not held by the inpainter, which could be neither copied nor pickled with a lock.
TURNS: WeakKeyDictionary[nn.Module, threading.Lock] = WeakKeyDictionary()

Step = tuple[InpaintingJob, HoleCrop]
Pictures = list[Any] | tuple[Any, ...]  # of PictureSource


class FeedbackInpainter:
    """Fills the holes of pictures with a trained model, and shows what every round did.

    A picture of up to ``max_side`` pixels is inpainted whole, one of the size of validation and
    test just as there. A much smaller one is enlarged to that size. Of a larger one the model sees
    a crop around each part of the hole. It is scaled down where it is larger than ``max_side``, so
    memory is bounded, or the hole deep. Known pixels come back bit-identical, always. The same call
    gives the same result, also where several threads call at once: they take turns at the network.

    Args:
        config_or_name: Name of a trained model, ``'faces'`` or ``'streets'``; path of a config
            file; name of one of the package's configs such as ``'fbinpaint_demo'``; or a config
            already read.
        checkpoint: Path or address of the weights, or a trained model's name; ``None`` for those
            of the name, else for random ones, with a warning.
        device: Where the model runs, such as ``'cpu'`` or ``'cuda:1'``; ``None``: on a GPU if there
            is one.
        cfg_options: Settings that replace those of the config, by their dotted names.
        trust: Whether reading the checkpoint may run programs; only if you know who made it.

    Raises:
        FileNotFoundError: If there is no such config (the message suggests some) or checkpoint.
        UserError: If the config is not of this model, the checkpoint is of another config (the
            message names the classes or keys that do not fit) or holds NaN, or the device cannot be
            used.

    Example:
        Random weights, so that nothing is downloaded; give a checkpoint for something to look at.

        >>> import numpy as np
        >>> from fbinpaint_mm.apis import FeedbackInpainter
        >>> inpainter = FeedbackInpainter('fbinpaint_demo', device='cpu')
        >>> inpainter.classes[:3], inpainter.num_classes, inpainter.default_rounds
        (['sky', 'mountain', 'water'], 10, 2)
        >>> image = np.arange(40 * 50 * 3, dtype=np.uint8).reshape(40, 50, 3)  # RGB
        >>> mask = np.zeros((40, 50), dtype=bool)
        >>> mask[10:30, 15:40] = True  # the hole
        >>> result = inpainter.inpaint(image, mask, return_rounds=True)
        >>> result.image.shape, result.image.dtype, len(result.rounds)
        ((40, 50, 3), dtype('uint8'), 3)
        >>> np.array_equal(result.image[~mask], image[~mask])
        True
        >>> road = np.where(mask, inpainter.classes.index('road'), 255)  # dictate the semantics
        >>> edited = inpainter.inpaint(image, mask, semantic_map=road)
        >>> set(edited.semantic_map[mask]) == {inpainter.classes.index('road')}
        True
    """

    def __init__(
        self,
        config_or_name: str | os.PathLike[str] | Config,
        checkpoint: str | os.PathLike[str] | None = None,
        device: str | torch.device | None = None,
        cfg_options: dict[str, Any] | None = None,
        trust: bool = False,
    ) -> None:
        if device is None:
            device = 'cuda' if torch.cuda.is_available() else 'cpu'
        self.device = _usable_device(device)
        self.config = load_config(config_or_name, cfg_options)
        model = load_model(self.config, checkpoint_of(config_or_name, checkpoint), trust)
        self.model = model.to(self.device)

    @property
    def num_classes(self) -> int:
        """K, number of semantic classes; 0 for a model without semantics."""
        return self.model.loop.num_classes

    @property
    def default_rounds(self) -> int:
        """R where a call does not say it: ``test_cfg.rounds`` of the config."""
        return self.model.test_rounds

    @cached_property
    def default_max_side(self) -> int:
        """``max_side`` where a call does not say it.

        Twice the longer side of the images that the config tests with, 512 pixels if it does not
        say.
        """
        return LARGEST_ENLARGEMENT * trained_side(self._image_size)

    @cached_property
    def _image_size(self) -> tuple[int, int] | None:
        return dataset_image_size(self.config)

    @cached_property
    def classes(self) -> list[str] | None:
        """Names of the K classes, of the data set of the config; ``None`` if it names none."""
        names = list(class_metainfo(self.config).get('classes') or ())
        return names if names and len(names) == self.num_classes else None

    @cached_property
    def palette(self) -> list[list[int]]:
        """K RGB colors in 0..255: those of the data set, or distinct ones."""
        colors = class_metainfo(self.config).get('palette') or ()
        if len(colors) != self.num_classes:
            colors = default_palette(self.num_classes).tolist()
        return [[int(value) for value in color] for color in colors]

    @overload
    def inpaint(
        self, image: PictureSource, mask: PictureSource, *args: Any, **kwargs: Any
    ) -> InpaintingResult: ...

    @overload
    def inpaint(
        self, image: Pictures, mask: Pictures, *args: Any, **kwargs: Any
    ) -> list[InpaintingResult]: ...

    def inpaint(
        self,
        image: PictureSource | Pictures,
        mask: PictureSource | Pictures,
        rounds: int | None = None,
        return_rounds: bool = False,
        *,
        semantic_map: np.ndarray | Sequence[np.ndarray | None] | None = None,
        semantic_map_mask: np.ndarray | Sequence[np.ndarray | None] | None = None,
        max_side: int | None = None,
    ) -> InpaintingResult | list[InpaintingResult]:
        """Fills the hole of a picture, or the holes of a list of pictures.

        Args:
            image: Picture: array of (H, W) or (H, W, 1) gray, (H, W, 2) gray and alpha, (H, W, 3)
                RGB or (H, W, 4) RGB and alpha, uint8 or uint16; Pillow image; or path of a file.
                Images with an EXIF orientation are turned upright. Or a list of these.
            mask: The hole, of the size of the upright picture: array of bool, of 0 and 1, of 0..255
                or of floats in [0, 1]; Pillow image; or path. True, 1 and white are the hole. Or a
                list, one for each image.
            rounds: R >= 0, how often to make the map and inpaint again; ``None``: as the config
                says.
            return_rounds: Whether the results have every round.
            semantic_map: (H, W) integer class ids in [0, K), which the map of every round takes
                over; or a list, one or ``None`` for each image.
            semantic_map_mask: (H, W) bool, outside of which the map is the model's own, as it is
                where ``semantic_map`` is 255; ``None``: no such mask. Or a list likewise.
            max_side: Longest side in pixels of what the model sees at once; ``None``:
                :attr:`default_max_side`.

        Returns:
            The result, or the results in the order of the images.

        Raises:
            FileNotFoundError: If a file is missing.
            TypeError: If an image or a mask is no array, Pillow image or path.
            UserError: If a file is damaged or no image, sizes, data types or class ids do not fit,
                lists differ in length, or a setting is out of range. All this is checked before the
                first picture is inpainted. Also if the model gives NaN or infinite values.
        """
        rounds = self.default_rounds if rounds is None else rounds
        max_side = self.default_max_side if max_side is None else max_side
        _check_settings(rounds, max_side)
        several = isinstance(image, (list, tuple))
        given = dict(
            image=image,
            mask=mask,
            semantic_map=semantic_map,
            semantic_map_mask=semantic_map_mask,
        )
        rows = _rows(given) if several else [tuple(given.values())]
        names = [f'image {index}' for index in range(len(rows))] if several else ['image']
        jobs = [
            self._job(name, row, max_side, rounds, return_rounds)
            for name, row in zip(names, rows, strict=True)
        ]
        for index in range(max((len(job.crops) for job in jobs), default=0)):
            pending = [(job, job.crops[index]) for job in jobs if index < len(job.crops)]
            for batch in self._batches(pending, max_side):
                self._run(batch, rounds)
        results = [job.result() for job in jobs]
        return results if several else results[0]

    def _job(
        self, name: str, row: tuple[Any, ...], max_side: int, rounds: int, keeps_rounds: bool
    ) -> InpaintingJob:
        image, mask, semantic_map, semantic_map_mask = row
        picture = read_picture(image, name)
        hole = read_hole(mask, picture)
        classes = None if semantic_map is None else self.classes
        dictated_map = read_dictated_map(
            semantic_map, semantic_map_mask, picture.size, self.num_classes, classes
        )
        sight = Sight(max_side, self._image_size)
        job = InpaintingJob(name, picture, hole, dictated_map, sight, rounds, keeps_rounds)
        job.notes += notes_on_mask(mask, hole)
        return job

    def _batches(self, steps: list[Step], max_side: int) -> Iterator[list[Step]]:
        """Steps of one padded size together, as far as memory goes."""
        by_size: dict[tuple[int, int], list[Step]] = {}
        for step in steps:
            by_size.setdefault(self._padded_size(step[1]), []).append(step)
        for (height, width), group in by_size.items():
            count = max(1, CROPS_OF_A_BATCH * max_side**2 // (height * width))
            for first in range(0, len(group), count):
                yield group[first : first + count]

    def _padded_size(self, crop: HoleCrop) -> tuple[int, int]:
        height, width = map(self.model.loop.valid_side, crop.size)
        return height, width

    def _run(self, steps: list[Step], rounds: int) -> None:
        inputs, samples = zip(*(self._model_input(*step) for step in steps), strict=True)
        names = [job.name for job, _ in steps]
        batch = dict(inputs=list(inputs), data_samples=list(samples))
        with TURNS.setdefault(self.model, threading.Lock()):
            raws, predictions = self._predict(batch, rounds, names)
        for index, ((job, crop), sample) in enumerate(zip(steps, predictions, strict=True)):
            job.paste(crop, sample.output, torch.stack([raw[index] for raw in raws]))

    @torch.inference_mode()
    def _predict(
        self, batch: dict[str, Any], rounds: int, names: Sequence[str]
    ) -> tuple[list[torch.Tensor], list[DataSample]]:
        """What the networks painted in every round, and the predictions for every image."""
        self.model.eval()  # whatever else its owner does with it
        data = self.model.data_preprocessor(batch, False)
        samples = data['data_samples']
        results = self.model.predict_rounds(data['inputs'], samples, rounds)
        check_finite_rounds(results, names)
        raws = [self.model.data_preprocessor.destruct(one.raw, samples) for one in results]
        return raws, self.model.convert_to_datasample(results, samples, data['inputs'])

    def _model_input(self, job: InpaintingJob, crop: HoleCrop) -> tuple[torch.Tensor, DataSample]:
        """A masked image and its sample, as a test pipeline packs them, padded to a valid size."""
        image, hole, dictated = job.look(crop)
        sides = zip(crop.size, self._padded_size(crop), strict=True)
        pad = [(0, padded - side) for side, padded in sides]
        # A mirrored picture, with its mirrored hole, goes on as the picture does.
        masked = torch.from_numpy(np.pad(image, [*pad, (0, 0)], 'symmetric')).movedim(-1, 0)
        mask = torch.from_numpy(np.pad(hole, pad, 'symmetric')).float()[None]
        sample = DataSample(mask=mask, gt_img=masked)
        if dictated is not None:
            labels = np.pad(dictated, pad, constant_values=IGNORE_INDEX)
            sample.set_data(dict(dictated_seg=torch.from_numpy(labels)[None]))
        return masked, sample


def _usable_device(device: str | torch.device) -> torch.device:
    try:
        probe = torch.zeros(1, device=device)
        probe.cpu()  # 'meta' has no values to give back
        return probe.device
    except (AssertionError, RuntimeError) as error:  # torch's, of a build without it and of others
        reason = str(error).partition('\n')[0]
        raise UserError(f'device {str(device)!r} cannot be used: {reason}') from error


def _check_settings(rounds: int, max_side: int) -> None:
    # True is an Integral too, and more likely a misplaced return_rounds.
    if not isinstance(rounds, Integral) or isinstance(rounds, bool) or rounds < 0:
        raise UserError(f'rounds must be a whole number of 0 or more, got {rounds!r}')
    if not isinstance(max_side, Integral) or isinstance(max_side, bool) or max_side < 1:
        raise UserError(f'max_side must be a positive whole number of pixels, got {max_side!r}')


def _rows(columns: dict[str, Any]) -> list[tuple[Any, ...]]:
    """One tuple for each image; what is ``None`` as a whole is ``None`` for each."""
    count = len(columns['image'])
    columns = {k: [None] * count if v is None else v for k, v in columns.items()}
    for name, column in columns.items():
        if not isinstance(column, (list, tuple)) or len(column) != count:
            found = len(column) if isinstance(column, (list, tuple)) else type(column).__name__
            raise UserError(
                f'{name}: found {found}, expected a list of {count}, one for each image'
            )
    return list(zip(*columns.values(), strict=True))
