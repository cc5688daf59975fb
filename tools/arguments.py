"""Arguments of several tools. It imports little: the tools parse before they import the package."""

from __future__ import annotations

import argparse
import math
from collections.abc import Callable
from typing import Any

from mmengine.config import DictAction


class ConfigOptions(DictAction):
    """The action of ``--cfg-options KEY=VALUE ...``: mmengine's, with a message for a mistake."""

    def __call__(
        self,
        parser: argparse.ArgumentParser,
        namespace: argparse.Namespace,
        values: Any,
        option_string: str | None = None,
    ) -> None:
        """Adds the settings to those that were given before."""
        wrong = [text for text in values if '=' not in text]
        if wrong:
            raise argparse.ArgumentError(self, f'found {wrong[0]!r}, expected KEY=VALUE')
        try:
            super().__call__(parser, namespace, values, option_string)
        except AssertionError as error:  # of brackets without a counterpart
            raise argparse.ArgumentError(self, str(error)) from error


def number(kind: type, low: float, high: float = math.inf) -> Callable[[str], float]:
    """The type of an argument: a number of a kind and in a range, both ends included."""

    def parse(text: str) -> float:
        value = kind(text)
        if not low <= value <= high:
            expected = f'{low} or more' if high == math.inf else f'{low} to {high}'
            raise argparse.ArgumentTypeError(f'{text} is out of range, expected {expected}')
        return value

    parse.__name__ = kind.__name__  # for "invalid int value"
    return parse
