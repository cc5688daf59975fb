"""Names of settings in a config: where each is, and which one may have been meant."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Iterator
from typing import Any


def named_settings(value: Any, name: str = '') -> Iterator[tuple[str, Any]]:
    """A setting and all inside it, with their dotted names; items of a list have numbers."""
    yield name, value
    items: Iterable = value.items() if isinstance(value, dict) else ()
    for key, one in enumerate(value) if isinstance(value, (list, tuple)) else items:
        yield from named_settings(one, f'{name}.{key}' if name else str(key))


def near_names(name: str, names: Iterable[str]) -> str:
    """A question that names what may have been meant; empty if nothing is like it."""
    close = difflib.get_close_matches(name, sorted(names), n=3)
    return f'Did you mean {" or ".join(map(repr, close))}?' if close else ''
