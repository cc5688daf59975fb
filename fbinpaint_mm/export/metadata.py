"""What an exported file says about itself."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from pathlib import Path

import torch
from mmengine.config import Config
from mmengine.registry import DATASETS

from fbinpaint_mm.export.exported_step import PREVIOUS, ExportedStep
from fbinpaint_mm.export.onnx_format import OPSET
from fbinpaint_mm.export.settings import ExportSettings
from fbinpaint_mm.export.size_divisor import size_divisor
from fbinpaint_mm.version import __version__

CONVENTIONS = {
    'image': 'float32 (N,3,H,W) RGB 0..255; the hole is never read',
    'mask': 'float32 (N,1,H,W), hole where above 0.5',
    'composite': 'float32 (N,3,H,W) RGB 0..255, equals image outside the hole',
    'map': 'float32 (N,K,H,W) class probabilities',
    'confidence': 'float32 (N,1,H,W) in 0..1, 1 outside the hole',
}


def describe(
    step: ExportedStep, settings: ExportSettings, classes: Sequence[str], checkpoint: Path
) -> dict[str, str]:
    """Metadata of one file.

    Args:
        step: What is in the file.
        settings: How it was exported.
        classes: Name of each class of the map.
        checkpoint: File of the weights.

    Returns:
        Text by key: ``kind``, ``rounds``, ``height`` and ``width`` (``dynamic`` or pixels),
        ``size_divisor``, ``classes`` (JSON list), ``inputs`` and ``outputs`` (JSON, convention by
        name), ``opset``, versions and the ``checkpoint_sha256``.
    """
    height, width = ('dynamic', 'dynamic') if settings.dynamic else map(str, settings.size)
    return {
        'kind': step.kind,
        'rounds': str(settings.rounds),
        'height': height,
        'width': width,
        'size_divisor': str(size_divisor(step.loop)),
        'classes': json.dumps(list(classes)),
        'inputs': json.dumps({n: _convention(n) for n in step.input_names}),
        'outputs': json.dumps({n: _convention(n) for n in step.output_names}),
        'opset': str(OPSET) if settings.format == 'onnx' else 'none',
        'fbinpaint_mm_version': __version__,
        'torch_version': torch.__version__,
        'checkpoint_sha256': hashlib.sha256(checkpoint.read_bytes()).hexdigest(),
    }


def class_names(cfg: Config, num_classes: int) -> list[str]:
    """Names of the classes of a config's data set.

    Args:
        cfg: The whole config; ``val_dataloader.dataset`` is looked at.
        num_classes: K.

    Returns:
        K names; ``'0'``, ``'1'``... where the data set does not name as many.
    """
    dataset = (cfg.get('val_dataloader') or {}).get('dataset') or {}
    known = getattr(DATASETS.get(dataset.get('type', '')), 'METAINFO', {})
    names = {**known, **(dataset.get('metainfo') or {})}.get('classes') or ()
    return [*names] if len(names) == num_classes else [str(k) for k in range(num_classes)]


def _convention(name: str) -> str:
    return CONVENTIONS[name.removeprefix(PREVIOUS)]
