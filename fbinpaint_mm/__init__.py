"""Feedback-recorrection semantic inpainting for MMagic.

Importing the package registers every component in mmagic's registries.
"""

from fbinpaint_mm import compat

compat.install()

with compat.unused_left_out():
    from fbinpaint_mm import datasets, engine, evaluation, models, visualization
from fbinpaint_mm.config_file import find_package_config  # noqa: E402
from fbinpaint_mm.version import __version__  # noqa: E402

compat.add_config_prefix(find_package_config)

__all__ = ['__version__', 'compat', 'datasets', 'engine', 'evaluation', 'models', 'visualization']
