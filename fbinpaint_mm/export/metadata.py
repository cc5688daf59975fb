"""What an exported file says about itself."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

import torch

from fbinpaint_mm.export.export_settings import ExportSettings
from fbinpaint_mm.export.exported_step import PREVIOUS, ExportedStep
from fbinpaint_mm.export.onnx_format import OPSET
from fbinpaint_mm.fingerprint import file_content
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
        classes: Name of each class of the map; other than K names stand for none, and the classes
            are numbered.
        checkpoint: File of the weights.

    Returns:
        Text by key: ``kind``, ``rounds``, ``height`` and ``width`` (``dynamic`` or pixels),
        ``size_divisor``, ``classes`` (JSON list), ``inputs`` and ``outputs`` (JSON, convention by
        name), ``opset``, versions and the ``checkpoint_sha256``.
    """
    count = step.num_classes
    names = [*classes] if len(classes) == count else [str(k) for k in range(count)]
    height, width = ('dynamic', 'dynamic') if settings.dynamic else map(str, settings.size)
    return {
        'kind': step.kind,
        'rounds': str(settings.rounds),
        'height': height,
        'width': width,
        'size_divisor': str(step.loop.size_divisor),
        'classes': json.dumps(names),
        'inputs': json.dumps({n: _convention(n) for n in step.input_names}),
        'outputs': json.dumps({n: _convention(n) for n in step.output_names}),
        'opset': str(OPSET) if settings.format == 'onnx' else 'none',
        'fbinpaint_mm_version': __version__,
        'torch_version': torch.__version__,
        'checkpoint_sha256': file_content(checkpoint),
    }


def _convention(name: str) -> str:
    return CONVENTIONS[name.removeprefix(PREVIOUS)]
