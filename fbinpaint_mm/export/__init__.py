"""Models as files that run without this package: ONNX and TorchScript."""

from fbinpaint_mm.export.export_model import ExportedFile, ExportSettings, export_model
from fbinpaint_mm.export.exported_step import (
    ExportedStep,
    ExportError,
    InitialRound,
    NextRound,
    UnrolledRounds,
)

__all__ = [
    'ExportError',
    'ExportSettings',
    'ExportedFile',
    'ExportedStep',
    'InitialRound',
    'NextRound',
    'UnrolledRounds',
    'export_model',
]
