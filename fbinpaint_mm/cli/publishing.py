"""Makes of a training's checkpoint the file that others download, and its metafile."""

from __future__ import annotations

import hashlib
import io
import json
import math
from pathlib import Path
from typing import Any

import torch
import yaml
from mmagic.registry import MODELS
from mmengine.registry import init_default_scope
from torch import Tensor

from fbinpaint_mm.checkpoint import (
    GENERATOR,
    check_checkpoint,
    check_finite_entries,
    check_fits,
    meta_of,
    read_weights,
    trained_classes,
)
from fbinpaint_mm.config_file import configs_folder, find_config, part_of, read_config
from fbinpaint_mm.config_mistakes import mistakes_in_settings
from fbinpaint_mm.pretrained import METAFILE
from fbinpaint_mm.safe_loading import loading, read_checkpoint
from fbinpaint_mm.user_error import UserError, in_one_line
from fbinpaint_mm.version import __version__
from fbinpaint_mm.write_file import check_writable, write_file

COLLECTION = 'FeedbackRecorrection'
PAPER = dict(
    Title='Feedback Recorrection Semantic-Based Image Inpainting Under Semi-Supervised Learning',
    URL='https://doi.org/10.3390/s25216669',
)
# Of the last round; the other rounds stay in the file of scores.
METRICS = ('PSNR', 'SSIM', 'LPIPS', 'MAE', 'MAE_hole', 'mIoU', 'mIoU_hole', 'aAcc_hole')


def publish(
    config: str,
    checkpoint: str,
    out: Path,
    url: str = '',
    scores: Path | None = None,
    dataset: str = '',
    half: bool = False,
    trust_checkpoint: bool = False,
) -> None:
    """Writes weights and ``metafile.yml``.

    Args:
        config: Path or name of the config that the checkpoint was trained with.
        checkpoint: Path or address.
        out: Folder to write to; made if it is absent.
        url: Address of the folder in which the weights will lie.
        scores: What ``tools/test.py --out SCORES.json`` wrote.
        dataset: Data set of the scores.
        half: Whether weights are rounded to float16; those of one dimension, such as means and
            variances of normalization, are not.
        trust_checkpoint: Whether checkpoints may run programs, see
            `fbinpaint_mm.safe_loading.loading`.

    Raises:
        UserError: The checkpoint belongs to another config, a weight is NaN or infinite, or
            ``scores`` is another file.
        OSError: A file is missing, the disk is full, or the folder cannot be written.
    """
    path = find_config(config)
    check_checkpoint(checkpoint)
    metrics = None if scores is None else read_scores(scores)
    check_writable(out)
    init_default_scope('mmagic')
    cfg = read_config(path)
    with loading(trust_checkpoint):
        with mistakes_in_settings(cfg):
            model = MODELS.build(part_of(cfg, 'model'))
        check_fits(model, checkpoint)
        weights, digest = write_weights(checkpoint, path.stem, out, half)
    content = metafile(
        path_in_repository(path.resolve()), weights, digest, url, dataset=dataset, metrics=metrics
    )
    write_file(out / METAFILE, yaml.safe_dump(content, sort_keys=False))
    print(f'{weights}: {weights.stat().st_size / 1e6:.2f} MB, SHA-256 {digest}')


def read_scores(scores: Path) -> dict[str, float]:
    """The scores of the last round in a file that ``tools/test.py --out`` wrote.

    Args:
        scores: The file, in JSON.

    Returns:
        Scores by name, only those that a metafile lists.

    Raises:
        UserError: It is another file, or a score is not finite.
    """
    try:
        found = json.loads(scores.read_text())['scores']
        metrics = {name: float(found[name]) for name in METRICS if name in found}
    except (ValueError, KeyError, TypeError) as error:
        raise UserError(
            f'--scores {scores}: {in_one_line(error)}; expected what tools/test.py --out '
            'SCORES.json wrote'
        ) from error
    if wrong := [name for name, value in metrics.items() if not math.isfinite(value)]:
        raise UserError(f'--scores {scores}: {", ".join(wrong)} is not a finite number')
    return metrics


def path_in_repository(config: Path) -> str:
    """Such as ``configs/mix/wgan_celebahq.py``; one from elsewhere belongs into ``configs``."""
    folder = configs_folder()
    inside = config.relative_to(folder) if config.is_relative_to(folder) else Path(config.name)
    return Path(folder.name, inside).as_posix()


def write_weights(checkpoint: str, name: str, folder: Path, half: bool = False) -> tuple[Path, str]:
    """Writes the part of a checkpoint that inference needs.

    Args:
        checkpoint: Path or address of a checkpoint that mmengine wrote.
        name: Of the model.
        folder: Where to write; made if it is absent.
        half: As for `publish`.

    Returns:
        The file, ``<name>-<first 8 digits of its hash>.pth`` as OpenMMLab and ``torch.hub`` name
        theirs (``torch.hub.load_state_dict_from_url(check_hash=True)`` checks them), and its whole
        SHA-256 in hexadecimal.

    Raises:
        UserError: See `inference_checkpoint`.
    """
    buffer = io.BytesIO()
    torch.save(inference_checkpoint(checkpoint, half), buffer)
    content = buffer.getvalue()
    digest = hashlib.sha256(content).hexdigest()
    return write_file(folder / f'{name}-{digest[:8]}.pth', content), digest


def inference_checkpoint(checkpoint: str, half: bool = False) -> dict[str, Any]:
    """What inference needs of a checkpoint.

    Optimizers, schedules and logs are left out, and of an inpaintor all but its ``generator``:
    discriminator and teacher serve training only.

    Args:
        checkpoint: Path or address of a checkpoint that mmengine wrote.
        half: As for `publish`.

    Returns:
        ``state_dict``, tensors on the CPU, and ``meta`` with ``iter``, ``seed`` and, under
        ``dataset_meta``, ``classes`` (each where known) and the version of this package.

    Raises:
        UserError: The file is not such a checkpoint, or a weight is NaN or infinite.
    """
    weights, loaded = read_weights(checkpoint), read_checkpoint(checkpoint)
    if 'state_dict' not in loaded:
        raise UserError(
            f'{checkpoint}: found {", ".join(map(str, list(loaded)[:5]))}, expected a checkpoint '
            "of a training, with 'state_dict'"
        )
    inside = {name: value for name, value in weights.items() if name.startswith(GENERATOR)}
    kept, meta = inside or weights, meta_of(loaded)
    state_dict = {name: _rounded(value, half).contiguous() for name, value in kept.items()}
    check_finite_entries(state_dict, checkpoint)
    known: dict[str, Any] = {
        key: meta[key] for key in ('iter', 'seed') if isinstance(meta.get(key), int)
    }
    if classes := trained_classes(meta):
        known['dataset_meta'] = dict(classes=classes)
    return dict(state_dict=state_dict, meta=dict(known, fbinpaint_mm_version=__version__))


def _rounded(value: Tensor, half: bool) -> Tensor:
    return value.half() if half and value.is_floating_point() and value.ndim > 1 else value


def metafile(
    config: str,
    weights: Path,
    digest: str,
    url: str = '',
    dataset: str = '',
    metrics: dict[str, float] | None = None,
) -> dict[str, Any]:
    """The entry of a model for mim and the model index, in OpenMMLab's form.

    Args:
        config: Path of its config in the repository.
        weights: The file to be published.
        digest: Its SHA-256.
        url: Address of the folder in which the file will lie.
        dataset: Data set of the scores.
        metrics: Scores by name, if there are any.

    Returns:
        What belongs into a ``metafile.yml`` that ``model-index.yml`` imports.
    """
    results = [dict(Task='Inpainting', Dataset=dataset, Metrics=metrics)]
    model = {
        'Name': Path(config).stem,
        'In Collection': COLLECTION,
        'Config': config,
        'Metadata': {'SHA256': digest, 'File Size (bytes)': weights.stat().st_size},
        'Results': [] if metrics is None else results,
        'Weights': f'{url.rstrip("/")}/{weights.name}' if url else weights.name,
    }
    collection = dict(Name=COLLECTION, Paper=PAPER, README='README.md', Task=['inpainting'])
    return dict(Collections=[collection], Models=[model])
