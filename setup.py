"""Puts the configs and tools into the wheel; everything else is in pyproject.toml."""

from __future__ import annotations

import shutil
from pathlib import Path

from setuptools import setup
from setuptools.command.build_py import build_py

# OpenMMLab's tools look for these folders in the folder `.mim` of an installed package.
MIM_PARTS = ('configs', 'tools')


class BuildWithMim(build_py):
    """Copies the parts of the repository that live outside the package into `.mim`."""

    def run(self) -> None:
        """Builds the package as usual and then adds `.mim`, unless it stays in its clone."""
        super().run()
        if not self.editable_mode:
            self._copy_parts(Path(self.build_lib) / 'fbinpaint_mm' / '.mim')

    def _copy_parts(self, target: Path) -> None:
        # A file that was renamed or removed since the last build must not survive in build/.
        shutil.rmtree(target, ignore_errors=True)
        target.mkdir(parents=True)
        for name in MIM_PARTS:
            ignored = shutil.ignore_patterns('__pycache__', '*.pyc', '.*')
            shutil.copytree(Path(__file__).parent / name, target / name, ignore=ignored)


setup(cmdclass={'build_py': BuildWithMim})
