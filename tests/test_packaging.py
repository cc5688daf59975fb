"""The wheel carries the configs and tools, and both ways to install find them."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from fbinpaint_mm import __version__
from fbinpaint_mm.config_file import configs_folder

DEMO = 'fbinpaint_demo.py'
PARTS = (
    *('fbinpaint_mm', 'configs', 'tools', 'pyproject.toml', 'setup.py', 'MANIFEST.in'),
    *('LICENSE', 'README.md'),
)


def run(*command: str | Path, **kwargs) -> str:
    result = subprocess.run(
        [sys.executable, *map(str, command)], capture_output=True, text=True, check=False, **kwargs
    )
    assert result.returncode == 0, result.stdout + result.stderr
    return result.stdout


@pytest.fixture(scope='module')
def wheel(repository, tmp_path_factory) -> Path:
    """A wheel built from a source distribution of a copy of this checkout, without a network."""
    pytest.importorskip('build', reason="the package 'build' is needed to build a wheel")
    source = tmp_path_factory.mktemp('source')
    for name in PARTS:
        if (repository / name).is_dir():
            ignored = shutil.ignore_patterns('__pycache__')
            shutil.copytree(repository / name, source / name, ignore=ignored)
        else:
            shutil.copy(repository / name, source)
    output = tmp_path_factory.mktemp('dist')
    run('-m', 'build', '--no-isolation', '--outdir', output, source)
    (found,) = output.glob('*.whl')
    return found


@pytest.fixture(scope='module')
def installed(wheel, tmp_path_factory) -> Path:
    """Folder into which the wheel has been installed."""
    target = tmp_path_factory.mktemp('site')
    run('-m', 'pip', 'install', '--quiet', '--no-deps', '--no-index', '--target', target, wheel)
    return target


def relative_files(folder: Path, pattern: str = '*') -> set[str]:
    files = {path for path in folder.rglob(pattern) if path.is_file()}
    return {
        path.relative_to(folder).as_posix() for path in files if '__pycache__' not in path.parts
    }


def test_wheel_is_named_after_the_version(wheel):
    assert wheel.name == f'fbinpaint_mm-{__version__}-py3-none-any.whl'


def test_wheel_has_every_module_config_tool_and_trained_model(wheel, repository):
    names = set(zipfile.ZipFile(wheel).namelist())
    package = relative_files(repository / 'fbinpaint_mm', '*.py')
    package |= relative_files(repository / 'fbinpaint_mm', 'pretrained/*/*')
    package |= relative_files(repository / 'fbinpaint_mm', 'model-index.yml')
    configs = relative_files(repository / 'configs', '*.py')
    tools = relative_files(repository / 'tools')
    assert DEMO in configs
    assert {f'fbinpaint_mm/{name}' for name in package} <= names
    assert {f'fbinpaint_mm/.mim/configs/{name}' for name in configs} <= names
    assert {f'fbinpaint_mm/.mim/tools/{name}' for name in tools} <= names


def test_wheel_has_the_license_and_nothing_that_does_not_belong(wheel):
    names = zipfile.ZipFile(wheel).namelist()
    assert f'fbinpaint_mm-{__version__}.dist-info/licenses/LICENSE' in names
    roots = {name.partition('/')[0] for name in names}
    assert roots == {'fbinpaint_mm', f'fbinpaint_mm-{__version__}.dist-info'}
    assert not [name for name in names if name.endswith('.pyc')]


def test_the_installed_package_brings_both_toolboxes_and_its_configs(
    installed, repository, tmp_path
):
    """In a new process, also where what mmagic alone needs, all of it slow, is not installed."""
    child = tmp_path / 'child.py'
    child.write_text(f"_base_ = 'fbinpaint_mm::{DEMO}'\nadded = 1\n")
    code = f"""
import json, sys
unused = {{'diffusers', 'transformers', 'timm', 'huggingface_hub', 'safetensors', 'controlnet_aux'}}
unused |= {{'face_alignment', 'albumentations', 'av', 'lpips', 'mediapipe', 'imageio', 'requests'}}
class NotInstalled:
    def find_spec(self, name, path=None, target=None):
        if name.partition('.')[0] in unused:
            raise ModuleNotFoundError(name)
sys.meta_path.insert(0, NotInstalled())
import fbinpaint_mm
assert 'scipy' not in sys.modules
from mmengine.config import Config
from mmagic.registry import MODELS
from mmseg.registry import MODELS as SEGMENTORS
names = [MODELS.get('GLInpaintor').__name__, SEGMENTORS.get('EncoderDecoder').__name__]
child = Config.fromfile({str(child)!r}).to_dict()
base = Config.fromfile({str(repository / 'configs' / DEMO)!r}).to_dict()
print(json.dumps([names, fbinpaint_mm.__file__, child.pop('added'), child == base]))
"""
    environment = {**os.environ, 'PYTHONPATH': str(installed), 'OMP_NUM_THREADS': '1'}
    output = run('-c', code, cwd=tmp_path, env=environment)
    names, file, added, equal = json.loads(output.splitlines()[-1])
    assert names == ['GLInpaintor', 'EncoderDecoder']
    assert Path(file).is_relative_to(installed)
    assert added == 1
    assert equal


def test_clone_finds_its_own_configs(repository):
    assert configs_folder() == repository / 'configs'


# -------------------------------------------------------------------------- README and CI


def print_ci_commands(folder: Path) -> subprocess.CompletedProcess:
    script = folder / '.ci' / 'run'
    return subprocess.run(
        ['bash', script, '--print'], capture_output=True, text=True, check=False, timeout=30
    )


def test_ci_runs_the_two_commands_of_the_readme(repository):
    result = print_ci_commands(repository)
    assert result.returncode == 0, result.stderr
    demo, tests = result.stdout.rstrip().split('\ntests: ')
    assert demo.startswith('demo: ')
    assert f'configs/{DEMO}' in demo
    assert 'pytest' in tests
    for command in (demo.removeprefix('demo: '), tests):
        assert 'pip install' in command
        assert f'```bash\n{command}\n```' in (repository / 'README.md').read_text()


@pytest.fixture
def checkout(repository, tmp_path):
    (tmp_path / '.ci').mkdir()
    shutil.copy(repository / '.ci' / 'run', tmp_path / '.ci')
    return tmp_path


def test_ci_keeps_commands_of_several_lines(checkout):
    (checkout / 'README.md').write_text(
        '# Title\n\n<!-- ci: demo -->\n```bash\none \\\n  --two\n```\n'
        'text\n\n<!-- ci: tests -->\n\n```bash\nthree\n```\n```bash\nfour\n```\n'
    )
    assert print_ci_commands(checkout).stdout == 'demo: one \\\n  --two\ntests: three\n'


@pytest.mark.parametrize(
    'text',
    [
        '<!-- ci: demo -->\n```bash\none\n```\n',
        '<!-- ci: demo -->\n```bash\none\n```\n<!-- ci: tests -->\ntext\n```bash\ntwo\n```\n',
        '<!-- ci: demo -->\n```bash\none\n```\n<!-- ci: tests -->\n```bash\n```\n',
    ],
    ids=['no marker', 'text in between', 'empty block'],
)
def test_ci_refuses_a_readme_without_a_command(checkout, text):
    (checkout / 'README.md').write_text(text)
    result = print_ci_commands(checkout)
    assert result.returncode != 0
    assert 'README.md has no ```bash block right after <!-- ci: tests -->' in result.stderr
