"""Which semantic classes the maps of an entry are about."""

from __future__ import annotations

from fbinpaint_mm.apis.load_model import class_metainfo
from fbinpaint_mm.benchmark.entry import Entry
from fbinpaint_mm.checkpoint import trained_classes


def class_names(entry: Entry) -> tuple[str, ...]:
    """Names of an entry's classes, in the order of their ids.

    A checkpoint of a training keeps those of the data it was trained on, which count before those
    of the config: two data sets may have as many classes, and their models the same weights.

    Args:
        entry: With its config.

    Returns:
        The names; empty if neither checkpoint nor config has any.

    Raises:
        UserError: The checkpoint cannot be read.
    """
    return trained_classes(entry.meta) or tuple(class_metainfo(entry.cfg).get('classes') or ())
