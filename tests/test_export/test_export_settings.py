from __future__ import annotations

import pytest

from fbinpaint_mm.export import ExportSettings


@pytest.mark.parametrize(
    ('wrong', 'message'),
    [
        (dict(format='tflite'), r"format: found 'tflite', expected one of \('onnx', 'torchscript'"),
        (dict(mode='rolled'), r"mode: found 'rolled', expected one of \('unrolled', 'per-round'"),
        (dict(rounds=0), r"rounds: found 0, mode 'unrolled' needs 1 or more; round 0 alone is the"),
        (dict(mode='per-round', rounds=-1), r"found -1, mode 'per-round' needs 0 or more$"),
        (dict(size=(64, 0)), r'size: found \(64, 0\), expected a positive height and width'),
        (dict(tolerance=0.0), r'tolerance: found 0.0, expected a positive number'),
        (dict(tolerance=float('nan')), r'tolerance: found nan, expected a positive number'),
    ],
)
def test_what_cannot_be_is_refused(wrong, message):
    with pytest.raises(ValueError, match=message):
        ExportSettings(**wrong)


def test_round_0_alone_can_be_recommended():
    assert ExportSettings(mode='per-round', rounds=0).rounds == 0
