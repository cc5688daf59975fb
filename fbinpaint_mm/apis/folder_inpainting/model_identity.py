"""Which model results are from."""

from __future__ import annotations

import os

from fbinpaint_mm.apis.load_model import load_config
from fbinpaint_mm.fingerprint import checkpoint_content, config_content, fingerprint


def model_identity(
    config: str | os.PathLike[str], checkpoint: str | None, cfg_options: dict | None = None
) -> str:
    """Hash of a config and the content of its checkpoint.

    Args:
        config: As ``FeedbackInpainter`` takes it.
        checkpoint: Likewise; an address stands for itself.
        cfg_options: Likewise.

    Returns:
        64 hexadecimal digits.
    """
    settings = config_content(load_config(config, cfg_options))
    return fingerprint(settings, checkpoint_content(checkpoint))
