"""Feedback-recorrection semantic inpainting for MMagic.

Importing the package registers every component in mmagic's registries.
"""

from fbinpaint_mm import compat

with compat.garbage_kept():
    compat.install()
    with compat.unused_left_out():
        from fbinpaint_mm import datasets, engine, evaluation, models, visualization
from fbinpaint_mm.config_file import find_package_config
from fbinpaint_mm.version import __version__

compat.add_config_prefix(find_package_config)

__all__ = ['__version__', 'compat', 'datasets', 'engine', 'evaluation', 'models', 'visualization']
