"""What the report of an earlier call holds, before another takes its place."""

from __future__ import annotations

import json
import logging
from collections.abc import Sequence
from pathlib import Path

from fbinpaint_mm.benchmark.entry import Entry


def scored_entries(report: Path) -> list[str]:
    """Names of the entries that have scores in a report.

    Args:
        report: A ``results.json``; one that is absent or broken has none.
    """
    try:
        entries = json.loads(report.read_text(encoding='utf-8'))['entries']
        return [name for name, entry in entries.items() if entry['scores']]
    except (OSError, ValueError, LookupError, TypeError, AttributeError):
        return []


def warn_of_left_out(report: Path, entries: Sequence[Entry], logger: logging.Logger) -> None:
    """Say which entries of an earlier report the new one will be without.

    Args:
        report: The ``results.json`` that is about to be replaced.
        entries: Those that are asked for now.
        logger: Gets the warning.
    """
    asked = {entry.name for entry in entries}
    left_out = [name for name in scored_entries(report) if name not in asked]
    if left_out:
        logger.warning(
            'the new tables will be without %s of the earlier report in %s, which you did not '
            'name. Their scores are kept in entries/: name them again to have them in the tables',
            ', '.join(left_out),
            report.parent,
        )
