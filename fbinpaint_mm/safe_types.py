"""What a training's checkpoint holds beside tensors, numbers and text, read as data only.

A pickle names functions and has them called. torch's ``weights_only`` calls those of a list, which
lacks numpy's types and mmengine's logs. numpy's own functions believe what a file says: with forged
flags, a dtype of numbers makes numpy take them for addresses of objects. Here are stand-ins that
take over names, sizes and values, and check them.
"""

from __future__ import annotations

from collections.abc import Callable
from pickle import UnpicklingError
from typing import Any

import numpy as np
from mmengine.logging import HistoryBuffer

NUMBERS_AND_TEXT = 'biufcSU'  # numpy's codes of kinds
STATISTICS = ('min', 'max', 'current', 'mean')


class NumberType:
    """Stands in for ``numpy.dtype``; of the state that follows only the byte order counts.

    Args:
        name: Such as ``'f8'``.
        *options: Of numpy's dtype; without a meaning for numbers.
    """

    def __init__(self, name: str, *options: bool) -> None:
        self.dtype = np.dtype(str(name))
        if self.dtype.kind not in NUMBERS_AND_TEXT:
            raise UnpicklingError('GLOBAL numpy.dtype')

    def __setstate__(self, state: tuple) -> None:
        self.dtype = self.dtype.newbyteorder(state[1])


class Array(np.ndarray):
    """Stands in for ``numpy.ndarray``: empty, until its state has come; saved as numpy's own."""

    def __new__(cls, *arguments: Any) -> Array:  # noqa: D102
        return super().__new__(cls, 0)

    def __setstate__(self, state: tuple) -> None:
        version, shape, kind, is_fortran, data = state
        super().__setstate__((version, shape, kind.dtype, is_fortran, data))

    def __reduce__(self) -> Any:
        return np.asarray(self).__reduce__()


def scalar(kind: NumberType, data: bytes) -> np.generic:
    """Stands in for numpy's function that makes a number of its bytes."""
    return np.frombuffer(data, kind.dtype)[0]


def statistic(owner: Any, name: str) -> Callable:
    """Stands in for ``getattr``: gives only the functions that mmengine saves with its logs."""
    if owner is not HistoryBuffer or name not in STATISTICS:
        raise UnpicklingError('GLOBAL getattr')
    return getattr(HistoryBuffer, name)


# For `torch.serialization.add_safe_globals`: what is called, and its name in the file.
SAFE_TYPES = [
    HistoryBuffer,
    bytes,  # of an empty array
    (statistic, 'builtins.getattr'),
    (NumberType, 'numpy.dtype'),
    (Array, 'numpy.ndarray'),
    # numpy.core is the name before numpy 2.
    *((scalar, f'numpy.{core}.multiarray.scalar') for core in ('_core', 'core')),
    *((Array, f'numpy.{core}.multiarray._reconstruct') for core in ('_core', 'core')),
]
