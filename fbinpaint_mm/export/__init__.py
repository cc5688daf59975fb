"""Models as files that run without this package: ONNX and TorchScript."""

from fbinpaint_mm.export.export_error import ExportError
from fbinpaint_mm.export.export_model import export_model, make_writer
from fbinpaint_mm.export.export_settings import ExportSettings
from fbinpaint_mm.export.exported_file import ExportedFile
from fbinpaint_mm.export.exported_step import ExportedStep
from fbinpaint_mm.export.initial_round import InitialRound
from fbinpaint_mm.export.next_round import NextRound
from fbinpaint_mm.export.unrolled_rounds import UnrolledRounds

__all__ = [
    'ExportError',
    'ExportSettings',
    'ExportedFile',
    'ExportedStep',
    'InitialRound',
    'NextRound',
    'UnrolledRounds',
    'export_model',
    'make_writer',
]
