"""The last step of every inpaintor: one sample per image, with its prediction."""

from __future__ import annotations

from mmagic.structures import DataSample
from torch import Tensor


def split_predictions(
    data_samples: DataSample, output: DataSample, masked_img: Tensor
) -> list[DataSample]:
    """Split a batch into samples with predictions, in mmagic's convention.

    Args:
        data_samples: The stacked sample of the batch.
        output: The stacked predictions of the batch.
        masked_img: (N, 3, H, W) float masked images in 0..255 BGR.

    Returns:
        One sample per image, with ``input``, its masked image, and ``output``, its predictions.
    """
    data_samples.set_tensor_data(dict(input=masked_img))
    samples = data_samples.split()
    for sample, prediction in zip(samples, output.split(), strict=True):
        sample.output = prediction
    return samples
