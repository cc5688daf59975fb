from __future__ import annotations

import pytest
import torch

from fbinpaint_mm.export import torchscript_format
from fbinpaint_mm.export.torchscript_format import TorchScriptFormat


def test_a_process_that_fails_tells_why(tmp_path, monkeypatch):
    reader = 'import sys; sys.exit("Traceback" + chr(10) + "no kernel for " + sys.argv[1])'
    monkeypatch.setattr(torchscript_format, 'READER', reader)
    with pytest.raises(RuntimeError, match=r'^no kernel for .*network\.pt$'):
        TorchScriptFormat().run(tmp_path / 'network.pt', [(torch.zeros(1),)])
