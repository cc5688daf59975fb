"""Which metrics should fall and which should rise."""

from __future__ import annotations

from collections.abc import Sequence

LOWER_IS_BETTER = ('MAE', 'MSE', 'RMSE', 'LPIPS', 'FID', 'KID', 'NIQE', 'SWD', 'loss', 'spoiled')


def higher_is_better(name: str, falling: Sequence[str] = LOWER_IS_BETTER) -> bool:
    """Whether a larger score is a better one, by the name of the metric.

    Args:
        name: Name of a metric, possibly after a prefix: ``'PSNR'``, ``'faces/MAE_hole'``.
        falling: Beginnings of the names of metrics that should fall.

    Returns:
        ``False`` for a name that begins with one of ``falling``, else ``True``.
    """
    return not name.rpartition('/')[2].startswith(tuple(falling))
