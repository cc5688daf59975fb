"""How many iterations each entry may train, so that all spend the same."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from fbinpaint_mm.benchmark.entry import Entry

# What is equal, and the key in EntryResult.speed that says what one iteration spends of it.
COSTS = {
    'iterations': None,
    'seconds': 'training_seconds_per_iteration',
    'flops': 'training_flops_per_iteration',
}


def plan_iterations(
    entries: Sequence[Entry],
    reference: str,
    iterations: int,
    equal: str,
    speeds: Mapping[str, Mapping[str, Any]],
) -> dict[str, int]:
    """Iterations of each entry that is trained.

    The cost is that of the model, its optimisers and ``MODEL_HOOKS`` of ``training_probe.py``, as
    measured before the training: loading data, writing checkpoints and other hooks are not in it.
    What a training really took is in ``RunResult.training``, all of that included, so the seconds
    there may differ between entries that were given the same.

    Args:
        entries: All entries.
        reference: Name of the entry that trains for ``iterations``; if it is not trained, the first
            one that is.
        iterations: Its number of iterations.
        equal: ``'iterations'``, ``'seconds'`` or ``'flops'``: what the others spend as much of.
        speeds: ``EntryResult.speed`` of each entry by name.

    Returns:
        Iterations by name, at least 1. An entry whose cost was not measured is missing.
    """
    names = [entry.name for entry in entries if entry.is_trained]
    key = COSTS[equal]
    if key is None:
        return dict.fromkeys(names, iterations)
    costs = {name: speeds.get(name, {}).get(key) for name in names}
    base = costs.get(reference if reference in names else names[0])
    if not base:
        return {}
    return {name: max(1, round(iterations * base / cost)) for name, cost in costs.items() if cost}
