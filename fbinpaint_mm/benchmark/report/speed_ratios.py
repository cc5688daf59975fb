"""Speed of one entry as multiples of another's."""

from __future__ import annotations

from typing import Any

NOT_COMPARED = ('rounds', 'conditions')


def speed_ratios(speed: dict[str, Any], reference: dict[str, Any]) -> dict[str, Any]:
    """Each measured number divided by the reference's.

    Args:
        speed: ``EntryResult.speed`` of an entry.
        reference: The same of the reference.

    Returns:
        The keys that both have, and ``rounds``: one dict per round, each compared with the whole
        reference, not with its round; ``conditions`` are left out. 2.0 is twice as much: twice as
        slow where it is a time.
    """
    ratios: dict[str, Any] = {
        key: value / reference[key]
        for key, value in speed.items()
        if key not in NOT_COMPARED and value is not None and reference.get(key)
    }
    if 'rounds' in speed:
        ratios['rounds'] = [speed_ratios(one, reference) for one in speed['rounds']]
    return ratios
