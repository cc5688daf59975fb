"""Makes of a training's checkpoint the file that others download."""

from __future__ import annotations

import hashlib
import io
from pathlib import Path
from typing import Any

import torch
from mmengine.runner.checkpoint import CheckpointLoader

from fbinpaint_mm.checkpoint import GENERATOR, LAYOUT, read_weights
from fbinpaint_mm.models.feedback import NO_KEY
from fbinpaint_mm.version import __version__
from fbinpaint_mm.write_file import write_file

COLLECTION = 'FeedbackRecorrection'
PAPER = dict(
    Title='Feedback Recorrection Semantic-Based Image Inpainting Under Semi-Supervised Learning',
    URL='https://doi.org/10.3390/s25216669',
)


def inference_checkpoint(checkpoint: str) -> dict[str, Any]:
    """What inference needs of a checkpoint.

    Optimisers, schedules and logs are left out, and of an inpaintor all but its ``generator``:
    discriminator and teacher serve training only.

    Args:
        checkpoint: Path or address of a checkpoint that mmengine wrote.

    Returns:
        ``state_dict``, tensors on the CPU, and ``meta`` with ``iter``, ``seed`` (where known) and
        the version of this package.

    Raises:
        ValueError: The file is not such a checkpoint.
    """
    loaded = CheckpointLoader.load_checkpoint(checkpoint, map_location='cpu', logger='silent')
    if 'state_dict' not in loaded:
        raise ValueError(
            f'{checkpoint}: found {", ".join(map(str, list(loaded)[:5]))}, expected a checkpoint '
            "of a training, with 'state_dict'"
        )
    state = loaded['state_dict']
    kept = {name: value for name, value in state.items() if name.startswith(GENERATOR)} or state
    meta = loaded.get('meta', {})
    known = {key: meta[key] for key in ('iter', 'seed') if meta.get(key) is not None}
    state_dict = {name: value.contiguous() for name, value in kept.items()}
    return dict(state_dict=state_dict, meta=dict(known, fbinpaint_mm_version=__version__))


def publish_checkpoint(checkpoint: str, name: str, folder: Path) -> tuple[Path, str]:
    """Write the part of a checkpoint that inference needs.

    Args:
        checkpoint: Path or address of a checkpoint that mmengine wrote.
        name: Of the model.
        folder: Where to write; made if it is absent.

    Returns:
        The file, ``<name>-<first 8 digits of its hash>.pth`` as OpenMMLab and ``torch.hub`` name
        theirs (``torch.hub.load_state_dict_from_url(check_hash=True)`` checks them), and its whole
        SHA-256 in hexadecimal.

    Raises:
        ValueError: The checkpoint is not one that mmengine wrote.
    """
    buffer = io.BytesIO()
    torch.save(inference_checkpoint(checkpoint), buffer)
    content = buffer.getvalue()
    digest = hashlib.sha256(content).hexdigest()
    return write_file(folder / f'{name}-{digest[:8]}.pth', content), digest


def label_maps_in(checkpoint: str) -> int:
    """How many label maps of training images a checkpoint holds, to be published or not.

    Args:
        checkpoint: Path or address.

    Returns:
        Their number in the :class:`LayoutMemory`; 0 without one.
    """
    keys = read_weights(checkpoint).get(f'{LAYOUT}keys')
    return 0 if keys is None else int((keys != NO_KEY).sum())


def metafile(
    name: str, config: str, weights: str, sha256: str, size: int, results: list[dict[str, Any]]
) -> dict[str, Any]:
    """The entry of a model for mim and the model index, in OpenMMLab's form.

    Args:
        name: Of the model.
        config: Path of its config in the repository.
        weights: Address of the published file.
        sha256: Of the file.
        size: Of the file in bytes.
        results: One dict per data set: ``Task``, ``Dataset``, ``Metrics``.

    Returns:
        What belongs into a ``metafile.yml`` that ``model-index.yml`` imports.
    """
    model = {
        'Name': name,
        'In Collection': COLLECTION,
        'Config': config,
        'Metadata': {'SHA256': sha256, 'File Size (bytes)': size},
        'Results': results,
        'Weights': weights,
    }
    collection = dict(Name=COLLECTION, Paper=PAPER, README='README.md', Task=['inpainting'])
    return dict(Collections=[collection], Models=[model])
