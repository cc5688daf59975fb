"""Medians of repeated timings."""

from __future__ import annotations

from collections.abc import Callable
from statistics import median
from time import perf_counter
from typing import Any

import torch


class Stopwatch:
    """Times a call again and again, after some calls that do not count.

    Args:
        device: Such as ``'cpu'`` or ``'cuda'``; a GPU is waited for.
        warm_up: Calls that do not count.
        repeats: Calls that count.
        limit: Seconds after which no further call is started; one that counts is always made.

    Attributes:
        warm_ups: Calls that did not count, one number for each median so far.
        timings: Calls that counted, likewise.
    """

    def __init__(
        self, device: str = 'cpu', warm_up: int = 3, repeats: int = 7, limit: float = 60.0
    ) -> None:
        self.device = torch.device(device)
        self.warm_up = warm_up
        self.repeats = repeats
        self.limit = limit
        self.warm_ups: list[int] = []
        self.timings: list[int] = []

    def median(self, call: Callable[..., Any], prepare: Callable[[], tuple] = tuple) -> float:
        """Median duration of a call.

        Args:
            call: What is timed.
            prepare: Makes the arguments of each call; not timed.

        Returns:
            Seconds.
        """
        start, warm_ups = perf_counter(), 0
        while warm_ups < self.warm_up and perf_counter() - start < self.limit / 2:
            self._time(call, prepare)
            warm_ups += 1
        durations = [self._time(call, prepare)]
        while len(durations) < self.repeats and perf_counter() - start < self.limit:
            durations.append(self._time(call, prepare))
        self.warm_ups.append(warm_ups)
        self.timings.append(len(durations))
        return median(durations)

    def _time(self, call: Callable[..., Any], prepare: Callable[[], tuple]) -> float:
        arguments = prepare()
        self._synchronize()
        start = perf_counter()
        call(*arguments)
        self._synchronize()
        return perf_counter() - start

    def _synchronize(self) -> None:
        if self.device.type == 'cuda':
            torch.cuda.synchronize(self.device)
