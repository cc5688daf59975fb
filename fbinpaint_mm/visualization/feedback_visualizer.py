"""The visualizer that draws one picture per validation sample."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from mmagic.registry import VISUALIZERS
from mmagic.structures import DataSample
from mmengine.dist import master_only
from mmengine.visualization import Visualizer
from torch import Tensor

from fbinpaint_mm.datasets.partly_labeled_dataset import check_classes, name_with_hole
from fbinpaint_mm.visualization.drawing import Color
from fbinpaint_mm.visualization.feedback_grid import draw_feedback_grid


@VISUALIZERS.register_module()
class FeedbackVisualizer(Visualizer):
    """Write a grid of input, every round's image and map, and ground truth to all backends.

    ``draw_feedback_grid`` says what is in the picture. ``LocalVisBackend`` writes it as
    ``<stem>_iter_<step>.png``, TensorBoard shows it as ``<stem>_iter`` with a slider over steps.
    Class names and colors are those of the data set, which the validation loop hands over as
    ``dataset_meta``, unless they are given here.

    Args:
        name: Name of the instance.
        classes: Class names for the legend.
        palette: RGB triple of each class.
        bgr2rgb: Images of the samples are BGR, as mmagic loads them by default.
        cell_size: Small images are enlarged by a whole factor to at least this many pixels.
        max_cell_size: Large images are reduced by a whole factor to at most this many pixels.
        **kwargs: Everything mmengine's ``Visualizer`` takes (``vis_backends``, ``save_dir``).

    Raises:
        UserError: The class names are no list of different names, or the palette does not fit them.
    """

    def __init__(
        self,
        name: str = 'visualizer',
        classes: Sequence[str] | None = None,
        palette: Sequence[Color] | None = None,
        bgr2rgb: bool = True,
        cell_size: int = 192,
        max_cell_size: int = 512,
        **kwargs: Any,
    ) -> None:
        super().__init__(name=name, **kwargs)
        check_classes(classes or (), (palette or ()) if classes else ())
        self.classes = classes
        self.palette = palette
        self.bgr2rgb = bgr2rgb
        self.cell_size = cell_size
        self.max_cell_size = max_cell_size

    @master_only
    def add_datasample(
        self, data_sample: DataSample, step: int = 0, name: str | None = None
    ) -> None:
        """Draw one sample and hand the picture to every backend.

        Args:
            data_sample: Sample as the model returns it in validation: ``gt_img`` (3, H, W) 0..255,
                ``mask`` (1, H, W), optionally ``gt_seg`` (1, H, W), metainfo ``gt_path``, and
                ``output`` with ``pred_img`` and, from a model with rounds, ``round_imgs``,
                ``round_segs`` and ``round_confidences``; from a training step also ``teacher_seg``
                and ``teacher_weight``.
            step: Training iteration, for the title and the file name.
            name: Written to ``<name>_<step>.png``, instead of by the name of the image: for
                samples that are others at each step.
        """
        image, hole = data_sample.get('gt_path', 'sample'), data_sample.get('hole_index', 0)
        stem = Path(name_with_hole(str(image), hole)).stem
        picture = self.draw(data_sample, title=f'{stem}   iteration {step}')
        for backend in self._vis_backends.values():
            backend.add_image(name or f'{stem}_iter', picture, step)

    def draw(self, data_sample: DataSample, title: str = '') -> np.ndarray:
        """The picture of one sample, (height, width, 3) uint8 RGB."""
        output = data_sample.output
        images = output.get('round_imgs')
        meta = self.dataset_meta or {}
        return draw_feedback_grid(
            gt_img=self._to_rgb(data_sample.gt_img),
            mask=to_numpy(data_sample.mask)[0],
            round_imgs=self._to_rgb(output.pred_img[None] if images is None else images),
            round_segs=to_numpy_or_none(output.get('round_segs')),
            round_confidences=first_channel(output.get('round_confidences')),
            gt_seg=first_channel(data_sample.get('gt_seg')),
            teacher_seg=to_numpy_or_none(output.get('teacher_seg')),
            teacher_weight=to_numpy_or_none(output.get('teacher_weight')),
            palette=self.palette or meta.get('palette'),
            classes=self.classes or meta.get('classes'),
            title=title,
            cell_size=self.cell_size,
            max_cell_size=self.max_cell_size,
        )

    def _to_rgb(self, images: Tensor) -> np.ndarray:
        """(..., 3, H, W) tensor in the samples' color order to an (..., H, W, 3) RGB array."""
        pixels = np.moveaxis(to_numpy(images), -3, -1)
        return pixels[..., ::-1] if self.bgr2rgb else pixels


def to_numpy(data: Tensor) -> np.ndarray:
    """A tensor on any device as an array."""
    return data.detach().cpu().numpy()


def to_numpy_or_none(data: Tensor | None) -> np.ndarray | None:
    """The same of a tensor that a sample may lack."""
    return None if data is None else to_numpy(data)


def first_channel(data: Tensor | None) -> np.ndarray | None:
    """A (..., 1, H, W) tensor that a sample may lack as an (..., H, W) array."""
    return None if data is None else to_numpy(data)[..., 0, :, :]
