"""What goes wrong while a file is made, as one error."""


class ExportError(RuntimeError):
    """A network cannot be exported, its file does not run, or gives something else than PyTorch."""
