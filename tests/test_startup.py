"""What a command must not import before it needs it: it would start later."""

import ast
import os
import subprocess
import sys
from pathlib import Path

import pytest

from fbinpaint_mm.compat import LEFT_OUT

# Each takes long to import, and none is needed before it is used.
SLOW = {
    'fbinpaint_mm.benchmark',
    'gradio',
    *LEFT_OUT,
    'matplotlib',
    'mmagic.apis',
    'mmseg.apis',
    'onnx',
    'onnxruntime',
    'onnxscript',
    'skimage',
    'sklearn',
    'sympy',
    'tensorboard',
    'torch.utils.tensorboard',
    'torch_fidelity',
    'torchmetrics',
}


def imported_at_once(tree):
    """Names of the modules that a file imports when it is imported itself."""
    names = set()
    for node in tree.body:
        if isinstance(node, ast.Import):
            names.update(alias.name for alias in node.names)
        if isinstance(node, ast.ImportFrom):
            names.update({node.module, *(f'{node.module}.{alias.name}' for alias in node.names)})
    return {'.'.join(name.split('.')[:end]) for name in names for end in (1, 2, 3)}


def test_imports_are_seen():
    source = 'import a.b.c.d\nfrom e.f import g\nif x:\n    import h\ndef y():\n    import i'
    assert imported_at_once(ast.parse(source)) == {'a', 'a.b', 'a.b.c', 'e', 'e.f', 'e.f.g'}


def test_no_module_of_the_package_imports_what_is_slow(repository):
    """But for those of the benchmark and of the web page, which only their tools import."""
    folder = repository / 'fbinpaint_mm'
    files = [
        path
        for path in sorted(folder.rglob('*.py'))
        if not {'benchmark', 'web'} & {*path.relative_to(folder).parts}
    ]
    assert len(files) > 100
    found = {
        path.relative_to(folder).as_posix(): slow
        for path in files
        if (slow := imported_at_once(ast.parse(path.read_text())) & SLOW)
    }
    assert found == {}


def imported_by(command):
    """What a new process writes, and the names of the modules that it imports."""
    command = [sys.executable, '-X', 'importtime', *command]
    environment = os.environ | dict(PYTHONPATH=str(Path(__file__).parents[1]))
    done = subprocess.run(command, capture_output=True, text=True, env=environment, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout, {line.rpartition('|')[2].strip() for line in done.stderr.splitlines()}


def test_nothing_slow_is_imported_with_the_package_or_for_a_command():
    names = 'fbinpaint_mm, fbinpaint_mm.cli.inpaint, sys'
    loaded, _ = imported_by(['-c', f'import {names}; print(*sys.modules)'])
    assert 'mmagic.models.editors' in loaded
    assert not SLOW & {*loaded.split()}


TOOLS = sorted(path.stem for path in Path(__file__).parents[1].glob('tools/[!_]*.py'))


@pytest.mark.parametrize('name', TOOLS)
def test_a_tool_reads_its_command_line_before_it_imports_what_is_slow(repository, name):
    text, imported = imported_by([repository / f'tools/{name}.py', '--help'])
    assert text.startswith('usage:')
    assert 'argparse' in imported
    stack = {'cv2', 'fbinpaint_mm', 'mmagic', 'mmcv', 'mmengine', 'mmseg', 'torch'}
    assert not imported & (SLOW | stack)
