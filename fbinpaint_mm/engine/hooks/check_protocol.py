"""The early check of a hook that it can work with the model."""

from __future__ import annotations


def check_protocol(needed: type, found: object, user: str) -> None:
    """Refuses an object that lacks members of a protocol, before any training.

    Not ``isinstance``: from Python 3.12 on it does not see submodules and buffers, which torch
    keeps elsewhere than other attributes.

    Args:
        needed: A ``typing.Protocol`` that inherits from no other.
        found: A model, or a part of one.
        user: Name of the hook that needs it, for the message.

    Raises:
        TypeError: Names the members that are missing and the protocol that describes them.
    """
    members = _members(needed)
    missing = [name for name in members if not hasattr(found, name)]
    if missing:
        raise TypeError(
            f'{user} needs {", ".join(members)}, see {needed.__module__}.{needed.__name__}; '
            f'{type(found).__name__} lacks {", ".join(missing)}'
        )


def _members(protocol: type) -> list[str]:
    names = [*vars(protocol).get('__annotations__', {}), *vars(protocol)]
    return [name for name in dict.fromkeys(names) if not name.startswith('_')]
