"""What tools/export.py does: a checkpoint becomes ONNX or TorchScript files."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from fbinpaint_mm.apis.load_model import class_metainfo, load_config, load_model
from fbinpaint_mm.export import ExportedFile, ExportSettings, export_model
from fbinpaint_mm.export.export_model import FORMATS
from fbinpaint_mm.pretrained import needed_checkpoint
from fbinpaint_mm.safe_loading import loading
from fbinpaint_mm.write_file import check_writable


def export_checkpoint(
    config: str,
    checkpoint: str | None,
    out: str,
    cfg_options: dict[str, Any],
    rounds: int | None,
    size: Sequence[int],
    trust_checkpoint: bool = False,
    **settings: Any,
) -> list[ExportedFile]:
    """Export the model of a config with the weights of a checkpoint.

    Args:
        config: Path or name of a config, or name of a trained model; the names of the files begin
            with its name.
        checkpoint: Path of the checkpoint; ``None`` for that of the trained model.
        out: Folder to write to; made if it is not there.
        cfg_options: Settings that replace those of the config, by their dotted names.
        rounds: See :class:`ExportSettings`; ``None`` for ``test_cfg.rounds`` of the config.
        size: Height and width in pixels, see :class:`ExportSettings`.
        trust_checkpoint: Whether checkpoints may run programs, see
            `fbinpaint_mm.safe_loading.loading`.
        **settings: All others of :class:`ExportSettings`.

    Returns:
        The files.

    Raises:
        UserError: If settings, checkpoint or model do not fit, or a package that the format needs
            is not installed, or the folder cannot be written to.
        ExportError: If a file cannot be made, or gives something else than PyTorch.
        OSError: If a file is missing.
    """
    cfg = load_config(config, cfg_options)
    if rounds is None:
        rounds = (cfg.model.get('test_cfg') or {}).get('rounds', 2)
    height, width = size
    checked = ExportSettings(rounds=rounds, size=(height, width), **settings)
    # What is missing is said before the model is built.
    FORMATS[checked.format]()
    checkpoint = needed_checkpoint(config, checkpoint)
    if not Path(checkpoint).is_file():
        raise FileNotFoundError(
            f'checkpoint: there is no file {checkpoint!r}; download one that has an address first'
        )
    check_writable(Path(out))
    with loading(trust_checkpoint):
        model = load_model(cfg, checkpoint)
    classes = class_metainfo(cfg).get('classes', ())
    return export_model(model, checked, Path(out), Path(config).stem, Path(checkpoint), classes)


def summarize(file: ExportedFile) -> str:
    """A line for a file, one for each of its outputs, and one for what was compared."""
    sizes = ', '.join('x'.join(map(str, size)) for size in file.sizes)
    lines = [f'{file.path}: {file.path.stat().st_size / 1e6:.1f} MB']
    lines += [
        f'  {name}: differs from PyTorch by {value:.2g} of its range at most'
        for name, value in file.differences.items()
    ]
    return '\n'.join([*lines, f'  compared on random images and holes of {sizes} (N x H x W)'])
