"""Everything this package knows about version trouble in the OpenMMLab stack.

mmagic 1.2, mmsegmentation 1.2 and mmcv 2.1 are from 2023; what they depend on has moved on. Each
trouble has one function here, and `install` calls most of them in order before anything of the
stack is imported. None of them acts where its trouble is absent.

================================== ================================ ============================
trouble                            what breaks                      way out
================================== ================================ ============================
a package absent, too old, too new an import, obscurely             `check_versions`
mmcv-lite has no ``mmcv._ext``     ``import mmcv.ops``              `stub_compiled_ops`
numpy >= 2 dropped ``np.bool8``    ``mmagic.utils``                 `alias_numpy_bool8`
diffusers has moved a module       ``mmagic.models``                `alias_moved_modules`
diffusers and others are large     the time of every import         `unused_left_out`
modules by the thousand            the same, in garbage collection  `garbage_kept`
mediapipe without ``mp.solutions`` ``mmagic.apis``                  `guard_controlnet_aux`
albumentations looks for updates   imports without internet         `silence_albumentations`
mmengine knows its sisters only    ``_base_ = 'fbinpaint_mm::...'`` `add_config_prefix`
deprecations inside the stack      the log, unreadable              `filter_warnings`
yapf, for every checkpoint         a second of every run, or a run  `format_configs_once`
mmengine's launcher wants a GPU    ``torchrun`` on CPUs             `init_cpu_distributed`
torch < 2.11 keeps casts too long  gradients with autocast          `forget_casts_without_graph`
torch's new exporter: opset >= 18  export to ONNX's opset 17        `export_onnx`
mmseg's ``Upsample`` fixes sizes   export with dynamic sizes        `sizes_traced`
================================== ================================ ============================

`unused_left_out`, `garbage_kept`, `add_config_prefix` and the last four act where they are called,
not by `install`.
"""

from __future__ import annotations

import atexit
import gc
import importlib
import importlib.abc
import importlib.machinery
import importlib.metadata
import importlib.util
import io
import os
import re
import sys
import types
import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

from packaging.specifiers import SpecifierSet

if TYPE_CHECKING:
    from mmengine.config import Config
    from torch import Tensor, nn

PACKAGE = 'fbinpaint_mm'


# Distributions that provide a package of the stack, the one to recommend first, and the versions
# that work.
REQUIREMENTS = {
    ('mmengine', 'mmengine-lite'): '>=0.11.0rc3,<1',
    ('mmcv-lite', 'mmcv'): '>=2.1,<2.2',
    ('mmsegmentation',): '>=1.2.2,<1.3',
    ('mmagic',): '>=1.2,<1.3',
}
MOVED_MODULES = {
    'diffusers.models.unet_2d_condition': 'diffusers.models.unets.unet_2d_condition',
}
# Packages and modules that would take most of the import, and serve no part of this package. Of
# diffusers and transformers the newest versions lack modules that mmagic imports; torch's two are
# imported by torchvision's ``roi_align`` and by mmengine's wrapper for FSDP.
LEFT_OUT = (
    *('albumentations', 'av', 'diffusers', 'face_alignment', 'huggingface_hub', 'imageio'),
    *('lpips', 'mmseg.utils.tokenizer', 'pandas', 'requests', 'safetensors', 'scipy', 'timm'),
    *('torch._dynamo', 'torch.distributed.tensor', 'transformers'),
)
LOADING_LATE = {'diffusers', 'transformers'}  # others of them too, which must be real then
# (category, message regex, module regex)
NOISE = (
    (FutureWarning, r'`?torch\.cuda\.amp\.', r'(mmengine|mmagic|mmcv|mmseg)\.'),
    (FutureWarning, r'`broadcast_buffers` is deprecated', r'mmengine\.'),
    # Not so: an optimizer rests in a phase of mmagic's inpaintors, or after an overflow.
    (UserWarning, r'Detected call of `scheduler\.step\(\)` before', r'mmengine\.'),
    # Of a loss that a decode head has of its own: our model does not use it.
    (UserWarning, r'Default ``avg_non_ignore`` is False', r'mmseg\.'),
    (UserWarning, r'DeprecationWarning: pretrained is a deprecated', r'mmseg\.'),
    (UserWarning, r'``build_loss`` would be deprecated', r'mmseg\.'),
    (DeprecationWarning, r"'pkgutil\.find_loader' is deprecated", r'(mmengine|mmcv)\.'),
    (ImportWarning, r'``MultiScaleDeformableAttention`` has been moved', ''),
)


def install() -> None:
    """Applies every work-around; safe to call again, and after mmcv has been imported.

    Raises:
        ImportError: A package of the stack is absent, too old, too new or built for another torch.
    """
    check_versions()
    filter_warnings()
    silence_albumentations()
    alias_numpy_bool8()
    stub_compiled_ops()
    alias_moved_modules()
    guard_controlnet_aux()
    format_configs_once()


def check_versions() -> None:
    """Looks at the installed versions of the stack without importing it.

    Raises:
        ImportError: Names every package that is absent or of an unusable version, and the pip
            command that repairs all of them.
    """
    problems, remedies = [], []
    for distributions, versions in REQUIREMENTS.items():
        name, version = _find_distribution(distributions)
        if version is not None and version in SpecifierSet(versions, prereleases=True):
            continue
        found = 'not installed' if version is None else f'version {version} is installed'
        problems.append(f'{name}: {found}, {PACKAGE} needs {versions}')
        remedies.append(f"'{name}{versions}'")
    if problems:
        raise ImportError('; '.join(problems) + f'. Run: pip install {" ".join(remedies)}')


def _find_distribution(names: Sequence[str]) -> tuple[str, str | None]:
    """Name and version of the first distribution that is installed, or the first name and None."""
    for name in names:
        try:
            return name, importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:
            continue
    return names[0], None


def filter_warnings() -> None:
    """Hides deprecations that only the authors of the stack can act on; each one by its text."""
    for category, message, module in NOISE:
        warnings.filterwarnings('ignore', message=message, category=category, module=module)


def silence_albumentations() -> None:
    """Keeps albumentations from asking a server for its newest version on import."""
    os.environ.setdefault('NO_ALBUMENTATIONS_UPDATE', '1')


def alias_numpy_bool8() -> None:
    """Gives numpy >= 2 the name ``np.bool8`` back, which mmagic uses as a dictionary key."""
    import numpy as np

    vars(np).setdefault('bool8', np.bool_)


class _MissingOps(types.ModuleType):
    """Stands in for ``mmcv._ext``: has every op, and each one raises when it is called."""

    def __getattr__(self, name: str) -> Callable[..., NoReturn]:
        if name.startswith('__'):
            raise AttributeError(name)

        def op(*args: Any, **kwargs: Any) -> NoReturn:
            raise NotImplementedError(
                f'mmcv.ops: {name!r} is a compiled operation and mmcv has none here (mmcv-lite). '
                "Install a full mmcv: pip uninstall -y mmcv-lite && pip install 'setuptools<81' && "
                "pip install --no-build-isolation 'mmcv>=2.1,<2.2'"
            )

        op.__name__ = op.__qualname__ = name
        return op


def stub_compiled_ops() -> bool:
    """Makes ``mmcv.ops`` importable where mmcv has no compiled extension.

    Returns:
        Whether ``mmcv._ext`` is a stand-in whose operations raise NotImplementedError when called.

    Raises:
        ImportError: There is an extension, but it does not load with the installed torch.
    """
    import mmcv

    name = 'mmcv._ext'
    if name not in sys.modules:
        if importlib.machinery.PathFinder.find_spec(name, list(mmcv.__path__)) is None:
            sys.modules[name] = _make_missing_ops(name)
        else:
            _load_compiled_ops(name)
    return isinstance(sys.modules[name], _MissingOps)


def _make_missing_ops(name: str) -> _MissingOps:
    module = _MissingOps(name, 'mmcv was installed without compiled operations.')
    # A spec without a loader makes pkgutil.find_loader() answer None, so that mmengine and mmcv go
    # on saying that there are no compiled ops. Without any spec it raises ValueError, which breaks
    # paramwise_cfg and Runner.wrap_model.
    module.__spec__ = importlib.machinery.ModuleSpec(name, None)
    # mmcv.utils.collect_env() calls these two without asking.
    vars(module).update(
        get_compiler_version=lambda: 'n/a', get_compiling_cuda_version=lambda: 'n/a'
    )
    return module


def _load_compiled_ops(name: str) -> None:
    import torch  # the extension links against torch's libraries, which must be loaded first

    try:
        importlib.import_module(name)
    except ImportError as error:
        raise ImportError(
            f'The compiled operations of mmcv do not load with torch {torch.__version__}: {error}. '
            'Build mmcv again for this torch (pip install --force-reinstall --no-deps '
            "--no-build-isolation 'mmcv>=2.1,<2.2') or use mmcv-lite instead."
        ) from error


class _MovedModule(types.ModuleType):
    """Stands in for a module at its old name; the new one is imported when it is needed."""

    def __init__(self, name: str, new_name: str) -> None:
        super().__init__(name, f'Moved to {new_name}.')
        self._new_name = new_name

    def __getattr__(self, name: str) -> Any:
        if name.startswith('__'):
            raise AttributeError(name)
        return getattr(importlib.import_module(self._new_name), name)


class _LateType(type):
    """Type of what stands in for a class of a package that is left out; see `unused_left_out`."""

    def __call__(cls, *args: Any, **kwargs: Any) -> Any:
        if cls._is_left_out():
            return cls._real()(*args, **kwargs)
        package = next(name for base in cls.__mro__ if (name := _left_out(base.__module__)))
        raise ImportError(
            f'{cls.__name__} of mmagic needs {package}, which {PACKAGE} leaves out because nothing '
            f'else does: pip install {package}, and import {package} before {PACKAGE}'
        )

    def __getattr__(cls, name: str) -> Any:
        if name.startswith('__') or not cls._is_left_out():
            raise AttributeError(name)
        return getattr(cls._real(), name)

    def __instancecheck__(cls, instance: Any) -> bool:
        if not cls._is_left_out():
            return super().__instancecheck__(instance)
        # Of a package that nobody has imported there is no instance; torch has other modules.
        return _package(cls.__module__) in sys.modules and isinstance(instance, cls._real())

    def _is_left_out(cls) -> bool:
        return _left_out(cls.__module__) is not None

    def _real(cls) -> Any:
        return _of_real_module(cls.__module__, cls.__name__)


class _LateModule(types.ModuleType):
    """Stands in for a module, or a function, of a package that is left out."""

    __path__: list[str] = []

    def __getattr__(self, name: str) -> Any:
        if name.startswith('__'):
            raise AttributeError(name)
        if not _LeftOutFinder.active:
            return _of_real_module(self.__name__, name)
        if name[0].isupper():
            return _LateType(name, (), dict(__module__=self.__name__))
        return _LateModule(f'{self.__name__}.{name}')

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        if _LeftOutFinder.active:  # decorates, or is asked for something that is not there
            return args[0] if args else False
        module, _, name = self.__name__.rpartition('.')
        return _of_real_module(module, name)(*args, **kwargs)

    def __dir__(self) -> list[str]:
        """Names of classes; diffusers lists them in text, since it loads them late itself."""
        package, *folders = self.__name__.split('.')
        spec = importlib.machinery.PathFinder.find_spec(package)
        if spec is None or spec.origin is None:
            return []
        listed = Path(spec.origin).parent.joinpath(*folders, '__init__.py')
        return re.findall(r'"([A-Z]\w+)"[],]', listed.read_text(encoding='utf-8'))


def _package(name: str) -> str:
    return name.partition('.')[0]


def _left_out(name: str) -> str | None:
    """The one of ``LEFT_OUT`` that a module belongs to."""
    return next((one for one in LEFT_OUT if f'{name}.'.startswith(f'{one}.')), None)


def _of_real_module(module: str, name: str) -> Any:
    try:
        return getattr(importlib.import_module(module), name)
    except ModuleNotFoundError as error:
        package = _package(module)
        raise ModuleNotFoundError(
            f'{module}.{name}, which a part of mmagic uses: {error}. Run: pip install {package}'
        ) from error


class _LeftOutFinder(importlib.abc.MetaPathFinder, importlib.abc.Loader):
    """Finds stand-ins for packages that are left out, as long as it is active."""

    active = False

    def __init__(self) -> None:
        self.present = {name for name in LEFT_OUT if name in sys.modules}
        if LOADING_LATE & self.present:
            self.present.update(LEFT_OUT)

    def find_spec(
        self, name: str, path: Sequence[str] | None = None, target: types.ModuleType | None = None
    ) -> importlib.machinery.ModuleSpec | None:
        package = _left_out(name)
        is_real = package in self.present and importlib.machinery.PathFinder.find_spec(name, path)
        if package is None or is_real:
            return None
        return importlib.machinery.ModuleSpec(name, self, is_package=True)

    def create_module(self, spec: importlib.machinery.ModuleSpec) -> types.ModuleType:
        return _LateModule(spec.name)

    def exec_module(self, module: types.ModuleType) -> None:
        """There is nothing to run."""


@contextmanager
def garbage_kept() -> Iterator[None]:
    """While much is imported: the garbage collector would look through it again and again."""
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        gc.freeze()
        gc.unfreeze()  # into the oldest generation, instead of one by one
        if was_enabled:
            gc.enable()


@contextmanager
def unused_left_out() -> Iterator[None]:
    """While the stack is imported: leaves out what only few of its parts need.

    Their functions and classes import the real package when they are used. mmagic also derives
    classes from some of diffusers and transformers; they say what to do when they are built. Of a
    package that has been imported before, only modules that it lacks are left out.
    """
    finder = _LeftOutFinder()
    sys.meta_path.insert(0, finder)
    _LeftOutFinder.active = True
    try:
        yield
    finally:
        _LeftOutFinder.active = False
        sys.meta_path.remove(finder)
        for name in [name for name, one in sys.modules.items() if isinstance(one, _LateModule)]:
            del sys.modules[name]


def alias_moved_modules() -> None:
    """Lets modules be imported by the names they had in 2023."""
    for old, new in MOVED_MODULES.items():
        sys.modules.setdefault(old, _MovedModule(old, new))


def is_mediapipe_usable() -> bool:
    """Whether mediapipe has ``mp.solutions``, without importing it (which takes seconds)."""
    if 'mediapipe' in sys.modules:
        return hasattr(sys.modules['mediapipe'], 'solutions')
    spec = importlib.util.find_spec('mediapipe')
    folders = spec.submodule_search_locations if spec else None
    return any(Path(folder, 'python', 'solutions').is_dir() for folder in folders or ())


@contextmanager
def mediapipe_hidden() -> Iterator[None]:
    """Makes ``import mediapipe`` raise ImportError for a while, if it lacks ``mp.solutions``."""
    if is_mediapipe_usable():
        yield
        return
    modules: dict[str, Any] = sys.modules  # None makes an import fail, which its type leaves out
    before = {name: modules.pop(name) for name in ['mediapipe'] if name in modules}
    modules['mediapipe'] = None
    try:
        yield
    finally:
        del modules['mediapipe']
        modules.update(before)


class _ControlnetAuxLoader(importlib.machinery.SourceFileLoader):
    """Runs controlnet_aux with an unusable mediapipe hidden, which it copes with, and quietly."""

    def exec_module(self, module: types.ModuleType) -> None:
        with mediapipe_hidden(), warnings.catch_warnings():
            warnings.simplefilter('ignore')
            super().exec_module(module)


class _ControlnetAuxFinder(importlib.abc.MetaPathFinder):
    """Finds controlnet_aux where it is and gives it the loader above."""

    def find_spec(
        self, name: str, path: Sequence[str] | None = None, target: types.ModuleType | None = None
    ) -> importlib.machinery.ModuleSpec | None:
        if name != 'controlnet_aux':
            return None
        spec = importlib.machinery.PathFinder.find_spec(name, path, target)
        if spec is not None and spec.origin is not None:
            spec.loader = _ControlnetAuxLoader(name, spec.origin)
        return spec


def guard_controlnet_aux() -> None:
    """Prepares the import of controlnet_aux, which ``mmagic.apis`` needs; imports nothing now."""
    if not any(isinstance(finder, _ControlnetAuxFinder) for finder in sys.meta_path):
        sys.meta_path.insert(0, _ControlnetAuxFinder())


def add_config_prefix(find_config: Callable[[str], Path]) -> None:
    """Makes mmengine understand ``_base_ = 'fbinpaint_mm::fbinpaint_demo.py'``.

    mmengine looks into a fixed list of packages, wants a slash in the name, and gives every
    inherited dict the package's name as its registry scope. Ours has no scope of its own: its
    classes are in mmagic's registries. So our configs are inherited like local files.

    Args:
        find_config: File of a config of this package, by its name below the folder of configs.
    """
    from mmengine.config import Config

    original = Config._get_cfg_path
    if original.__module__ == __name__:
        return  # it is ours already

    def _get_cfg_path(cfg_path: str, filename: str) -> tuple[str, str | None]:
        package, separator, name = cfg_path.partition('::')
        if separator and package == PACKAGE:
            return str(find_config(name)), None
        # Before it looks for the file, mmengine reads all metafiles of a package, 62 of mmagic.
        file = _installed_config(package, name) if separator else None
        return (str(file), package) if file else original(cfg_path, filename)

    Config._get_cfg_path = staticmethod(_get_cfg_path)


def _installed_config(package: str, name: str) -> Path | None:
    """The file that mmengine would find for a config of mmagic or mmseg, or None."""
    spec = importlib.util.find_spec(package) if package in ('mmagic', 'mmseg') else None
    file = Path(spec.origin).parent / '.mim/configs' / name if spec and spec.origin else None
    return file if file and file.is_file() else None


def format_configs_once() -> None:
    """Keeps the text of a config that has not changed, and has one where yapf fails.

    mmengine formats the whole config with yapf for every checkpoint, a second each time. Runs that
    start at the same time share yapf's cache on the disk, which one may read half written.
    """
    from mmengine.config import Config

    original = Config.pretty_text.fget
    if original.__module__ == __name__:
        return  # it is ours already
    last: dict[str, str] = {}

    def pretty_text(self: Config) -> str:
        content = repr(self)
        if content not in last:
            try:
                text = original(self)
            except SyntaxError:  # the same settings, in one long line each
                text = original(Config(self.to_dict(), format_python_code=False))
            last.clear()
            last[content] = text
        return last[content]

    Config.pretty_text = property(pretty_text)


def init_cpu_distributed(cfg: Config) -> bool:
    """Lets ``torchrun`` train on machines without a GPU.

    mmengine calls ``torch.cuda.set_device`` while it starts the process group and hands
    DistributedDataParallel a GPU index. Here the group is started first, with gloo, and the
    wrapper in ``cfg.model_wrapper_cfg`` gets ``device_ids=None``. The group is left when the
    interpreter exits.

    Args:
        cfg: The whole config; ``launcher`` says how the processes were started. Changed in place.

    Returns:
        Whether anything was done: False with a GPU, or with another launcher than 'pytorch'.
    """
    import torch
    from torch import distributed

    if cfg.get('launcher') != 'pytorch' or torch.cuda.is_available():
        return False
    if not distributed.is_initialized():
        # It imports torch.distributed.optim and more, whose functions take the group as a default
        # argument: imported after it they would keep it alive, and gloo's threads with it.
        importlib.import_module('mmengine.runner')
        distributed.init_process_group('gloo')
        atexit.register(end_process_group)
    defaults = dict(
        type='MMDistributedDataParallel',
        broadcast_buffers=False,
        find_unused_parameters=cfg.get('find_unused_parameters', False),
    )
    cfg.model_wrapper_cfg = {
        **defaults,
        **(cfg.get('model_wrapper_cfg') or {}),
        'device_ids': None,
    }
    return True


def end_process_group() -> None:
    """Leaves the group of processes, if there is one, while the interpreter is still alive.

    A thread of gloo that lives on into the interpreter's exit now and then aborts the process
    (https://github.com/pytorch/pytorch/issues/190489), and torchrun then reports a failed run.
    The threads end with the last reference to the group; a model in DistributedDataParallel has
    one, so nobody should hold it any more.
    """
    from torch import distributed

    if distributed.is_initialized():
        gc.collect()  # a Runner is full of cycles
        distributed.destroy_process_group()


def forget_casts_without_graph() -> None:
    """Empties autocast's cache of half-precision weights, before layers run again with a graph.

    torch below 2.11 caches casts made under ``no_grad`` too, and the same weights then get no
    gradient for the rest of the autocast context
    (https://github.com/pytorch/pytorch/pull/165068). Without autocast it does nothing.
    """
    import torch

    torch.clear_autocast_cache()


def export_onnx(module: nn.Module, inputs: tuple[Tensor, ...], path: str, **options: Any) -> None:
    """``torch.onnx.export`` by way of a trace.

    Since torch 2.9 the default is another exporter, which knows opset 18 and later; its conversion
    to 17 fails on our networks ("axes_input_to_attribute.h: No initializer or constant input",
    torch 2.14, onnx 1.23), and takes about ten times as long.

    Args:
        module: In evaluation mode.
        inputs: Example of its inputs.
        path: File to write.
        **options: As for ``torch.onnx.export``.
    """
    import torch

    # Or it prints the whole graph, some thousand lines, when it meets something it cannot export.
    torch._C._jit_set_onnx_log_enabled(False)
    with sizes_traced(module), _quiet_trace(), torch.no_grad():
        torch.onnx.export(module, inputs, path, dynamo=False, **options)


def export_torchscript(
    module: nn.Module, inputs: tuple[Tensor, ...], extra_files: dict[str, str]
) -> bytes:
    """``torch.jit.trace`` and ``torch.jit.save``, which torch calls deprecated and still has.

    Args:
        module: In evaluation mode.
        inputs: Example of its inputs; torch runs the trace on it once more and compares.
        extra_files: Text by name, to be stored in the file.

    Returns:
        Content of the file. To a full disk, torch would end the process instead of an error.
    """
    import torch

    with sizes_traced(module), _quiet_trace(), torch.no_grad():
        file = io.BytesIO()
        torch.jit.save(torch.jit.trace(module, inputs), file, _extra_files=extra_files)
    return file.getvalue()


@contextmanager
def _quiet_trace() -> Iterator[None]:
    """Hides that traces are deprecated, and that they hold our checks of sizes for constant."""
    from torch.jit import TracerWarning

    with warnings.catch_warnings():
        for category in (DeprecationWarning, FutureWarning, UserWarning, TracerWarning):
            warnings.simplefilter('ignore', category)
        yield


@contextmanager
def sizes_traced(module: nn.Module) -> Iterator[None]:
    """Replaces mmseg's ``Upsample`` by torch's for a while; the numbers are the same.

    mmseg computes the size with ``int()``, which a trace takes for a constant.

    Args:
        module: Any module; the same at the end.
    """
    from mmseg.models.utils import Upsample
    from torch import nn

    places = [
        (parent, name, child)
        for parent in module.modules()
        for name, child in parent.named_children()
        if isinstance(child, Upsample) and child.scale_factor and not child.size
    ]
    try:
        for parent, name, old in places:
            new = nn.Upsample(
                scale_factor=old.scale_factor,
                mode=old.mode,
                align_corners=old.align_corners,
                recompute_scale_factor=True,
            )
            setattr(parent, name, new)
        yield
    finally:
        for parent, name, old in places:
            setattr(parent, name, old)
