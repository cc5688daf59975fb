"""Each work-around of fbinpaint_mm.compat, alone; where imports matter, in a fresh interpreter."""

from __future__ import annotations

import contextlib
import gc
import importlib
import importlib.metadata
import importlib.util
import json
import os
import re
import socket
import subprocess
import sys
import types
import warnings
from pathlib import Path

import numpy as np
import pytest
import torch
from mmengine.config import Config
from mmengine.model import BaseModel
from mmengine.runner import Runner
from torch.multiprocessing import start_processes

from fbinpaint_mm import compat, config_file

HAS_COMPILED_OPS = not compat.stub_compiled_ops()
needs_lite = pytest.mark.skipif(HAS_COMPILED_OPS, reason='this mmcv has compiled operations')


@pytest.fixture
def own_imports(monkeypatch):
    """Undoes whatever a test does to the import system."""
    monkeypatch.setattr(sys, 'meta_path', list(sys.meta_path))
    before = set(sys.modules)
    yield
    for name in set(sys.modules) - before:
        del sys.modules[name]


def pretend_versions(monkeypatch, **versions):
    real = importlib.metadata.version

    def version(name):
        answer = versions.get(name.replace('-', '_'), real)
        if answer is None:
            raise importlib.metadata.PackageNotFoundError(name)
        return real(name) if answer is real else answer

    monkeypatch.setattr(importlib.metadata, 'version', version)


# ------------------------------------------------------------------------------ versions


def test_the_installed_stack_is_accepted():
    compat.check_versions()


def test_old_mmengine_is_refused_with_the_command_that_helps(monkeypatch):
    pretend_versions(monkeypatch, mmengine='0.10.7')
    message = (
        r'^mmengine: version 0\.10\.7 is installed, fbinpaint_mm needs >=0\.11\.0rc3,<1\. '
        r"Run: pip install 'mmengine>=0\.11\.0rc3,<1'$"
    )
    with pytest.raises(ImportError, match=message):
        compat.check_versions()


def test_all_problems_come_in_one_message(monkeypatch):
    pretend_versions(monkeypatch, mmagic=None, mmcv=None, mmcv_lite='2.2.0')
    with pytest.raises(ImportError) as error:
        compat.check_versions()
    message = str(error.value)
    assert 'mmagic: not installed, fbinpaint_mm needs >=1.2,<1.3' in message
    assert 'mmcv-lite: version 2.2.0 is installed' in message
    assert message.endswith("Run: pip install 'mmcv-lite>=2.1,<2.2' 'mmagic>=1.2,<1.3'")


def test_any_distribution_that_provides_mmcv_will_do(monkeypatch):
    pretend_versions(monkeypatch, mmcv_lite=None, mmcv='2.1.0')
    compat.check_versions()


def test_release_candidates_count(monkeypatch):
    pretend_versions(monkeypatch, mmengine='0.11.0rc3')
    compat.check_versions()
    pretend_versions(monkeypatch, mmengine='0.11.0rc2')
    with pytest.raises(ImportError, match=r'0\.11\.0rc2'):
        compat.check_versions()


# -------------------------------------------------------------------------- compiled ops


@needs_lite
def test_op_raises_when_called_and_says_what_to_install():
    from mmcv.ops import nms

    boxes, scores = torch.tensor([[0.0, 0.0, 1.0, 1.0]]), torch.ones(1)
    with pytest.raises(NotImplementedError, match=r"mmcv\.ops: 'nms' is a compiled.*mmcv>=2\.1"):
        nms(boxes, scores, 0.5)


@needs_lite
def test_layer_with_a_compiled_op_can_be_built_and_fails_only_in_forward():
    from mmcv.ops import DeformConv2d

    layer = DeformConv2d(2, 2, 3, padding=1)
    with pytest.raises(NotImplementedError, match='deform_conv_forward'):
        layer(torch.zeros(1, 2, 8, 8), torch.zeros(1, 18, 8, 8))


@needs_lite
def test_stack_goes_on_saying_that_there_are_no_compiled_ops():
    from mmcv.ops import get_compiler_version
    from mmcv.utils.ext_loader import check_ops_exist
    from mmengine.utils.dl_utils import mmcv_full_available

    assert not mmcv_full_available()
    assert not check_ops_exist()
    assert get_compiler_version() == 'n/a'


@needs_lite
def test_paramwise_cfg_works_with_the_stand_in():
    from mmengine.optim import build_optim_wrapper

    cfg = dict(
        optimizer=dict(type='SGD', lr=1.0),
        paramwise_cfg=dict(custom_keys=dict(bias=dict(lr_mult=2))),
    )
    wrapper = build_optim_wrapper(torch.nn.Linear(1, 1), cfg)
    assert sorted(group['lr'] for group in wrapper.optimizer.param_groups) == [1.0, 2.0]


MMCV_FIRST = """
import importlib.util, mmcv, sys
try:
    import mmcv.ops
except ImportError:
    pass
# The file alone: importing the package would import all of mmagic.
spec = importlib.util.spec_from_file_location('compat', sys.argv[1])
compat = sys.modules['compat'] = importlib.util.module_from_spec(spec)
spec.loader.exec_module(compat)
compat.install()
import mmcv.ops
print(mmcv.ops.nms.__name__)
"""


def test_install_works_after_mmcv_failed_to_import_its_ops():
    command = [sys.executable, '-c', MMCV_FIRST, compat.__file__]
    result = subprocess.run(command, capture_output=True, text=True, check=False)
    assert result.stdout == 'nms\n', result.stderr


@pytest.fixture
def extension(tmp_path, monkeypatch, own_imports):
    """A file in which mmcv finds its compiled operations."""
    mmcv = importlib.import_module('mmcv')
    monkeypatch.setattr(mmcv, '__path__', [str(tmp_path), *mmcv.__path__])
    monkeypatch.delitem(sys.modules, 'mmcv._ext')
    return tmp_path / '_ext.py'


def test_a_real_extension_wins(extension):
    extension.write_text("nms = 'real'")
    assert not compat.stub_compiled_ops()
    assert sys.modules['mmcv._ext'].nms == 'real'


def test_an_extension_for_another_torch_is_explained(extension):
    extension.write_text("raise ImportError('undefined symbol: _ZN2at4_ops')")
    message = rf'do not load with torch {re.escape(torch.__version__)}: undefined .*mmcv-lite'
    with pytest.raises(ImportError, match=message):
        compat.stub_compiled_ops()


# ------------------------------------------------------------------ numpy, moved modules


def test_numpy_gets_bool8_back(monkeypatch):
    monkeypatch.delattr(np, 'bool8', raising=False)
    compat.alias_numpy_bool8()
    assert np.bool8 is np.bool_


@pytest.mark.usefixtures('own_imports')
def test_old_name_of_a_module_leads_to_the_new_place(monkeypatch):
    monkeypatch.setitem(compat.MOVED_MODULES, 'json.old_name', 'json.decoder')
    compat.alias_moved_modules()
    moved = importlib.import_module('json.old_name')
    assert moved.JSONDecoder is json.JSONDecoder
    assert not hasattr(moved, '__file__')  # asking for it, as `inspect` does, imports nothing
    with pytest.raises(AttributeError):
        _ = moved.surely_not_there


def test_the_class_that_mmagic_wants_from_diffusers_is_found():
    pytest.importorskip('diffusers', reason='optional, as none of our parts needs it')
    old = importlib.import_module('diffusers.models.unet_2d_condition')
    assert old.UNet2DConditionOutput.__name__ == 'UNet2DConditionOutput'


# ---------------------------------------------------------------- packages that are left out


@pytest.fixture
def large(tmp_path, monkeypatch, own_imports):
    """A large package that is to be left out; its folder."""
    monkeypatch.setattr(compat, 'LEFT_OUT', ('large', 'absent'))
    monkeypatch.syspath_prepend(tmp_path)
    content = {
        '__init__': 'names = {"a": ["Net", "Loss"]}  # (the "License")\n',
        'nets': 'class Net:\n    depth = 3\n    def __init__(self, width):\n'
        '        self.width = width\n',
        'functions': 'def double(x):\n    return 2 * x\n',
    }
    (tmp_path / 'large').mkdir()
    for name, text in content.items():
        (tmp_path / f'large/{name}.py').write_text(text)
    importlib.invalidate_caches()
    return tmp_path / 'large'


USER = """
import large as whole
from large.functions import decorate, double, is_there
from large.nets import Net

there = is_there()
listed = [name for name in dir(whole)]

class Derived(Net):
    @decorate
    def __init__(self):
        super().__init__(1)
"""


@pytest.fixture
def user(large):
    """A module that was imported while the package was left out."""
    (large.parent / 'user.py').write_text(USER)
    with compat.unused_left_out():
        module = importlib.import_module('user')
    assert not [name for name in sys.modules if name.startswith('large')]
    return module


def test_a_package_is_left_out_until_it_is_used(user):
    assert (user.there, user.listed) == (False, ['Loss', 'Net'])
    assert 'large' not in sys.modules
    assert user.double(4) == 8
    assert (user.Net(width=5).width, user.Net.depth) == (5, 3)
    assert user.whole.names == {'a': ['Net', 'Loss']}
    assert importlib.import_module('large.nets').Net is not user.Net


def test_an_object_of_the_real_class_is_one(user):
    assert not isinstance(5, user.Net)
    assert 'large' not in sys.modules
    assert isinstance(importlib.import_module('large.nets').Net(1), user.Net)


def test_a_class_that_is_derived_from_what_is_left_out_says_so(user):
    with pytest.raises(ImportError, match=r'Derived of mmagic needs large.*import large before fb'):
        user.Derived()
    assert not hasattr(user.Derived, 'depth')


def test_what_is_not_installed_is_named_when_it_is_used(large):
    with compat.unused_left_out():
        absent = importlib.import_module('absent')
        net = absent.Net
        assert dir(absent) == []
    with pytest.raises(ModuleNotFoundError, match=r'absent\.Net,.*Run: pip install absent'):
        net()


def test_of_a_package_that_was_imported_before_only_what_it_lacks_is_left_out(large):
    real = importlib.import_module('large')
    with compat.unused_left_out():
        nets = importlib.import_module('large.nets')
        moved = importlib.import_module('large.moved').Moved
    assert nets.Net(width=5).width == 5
    assert sys.modules['large'] is real
    assert 'large.moved' not in sys.modules
    with pytest.raises(ModuleNotFoundError, match=r'large\.moved'):
        moved()


@pytest.mark.parametrize('loads_late', [True, False])
def test_what_is_there_and_imports_others_late_gets_real_ones(large, monkeypatch, loads_late):
    monkeypatch.setattr(compat, 'LEFT_OUT', ('large', 'other'))
    monkeypatch.setattr(compat, 'LOADING_LATE', {'large'} if loads_late else set())
    (large.parent / 'other.py').write_text('VALUE = 7\n')
    importlib.import_module('large')
    with compat.unused_left_out():
        other = importlib.import_module('other')
        assert (vars(other).get('VALUE') == 7) is loads_late


def test_a_module_can_be_left_out_of_a_package(large, monkeypatch):
    monkeypatch.setattr(compat, 'LEFT_OUT', ('large.nets', 'large.func'))
    with compat.unused_left_out():
        net = importlib.import_module('large.nets').Net
        functions = importlib.import_module('large.functions')
    assert sys.modules['large.functions'] is functions
    assert 'large.nets' not in sys.modules
    assert net(width=5).width == 5


def test_an_object_that_a_package_has_from_elsewhere_is_one(large, monkeypatch):
    (large / 'nets.py').write_text('from large.base import Net\n')
    (large / 'base.py').write_text('class Net:\n    pass\n')
    monkeypatch.setattr(compat, 'LEFT_OUT', ('large.nets',))
    with compat.unused_left_out():
        net = importlib.import_module('large.nets').Net
    assert isinstance(importlib.import_module('large.base').Net(), net)


def test_what_torch_uses_late_is_real_when_it_is_used():
    from torch.distributed.fsdp import _shard_utils
    from torch.distributed.tensor import Shard
    from torchvision.ops.roi_align import is_compile_supported

    assert _shard_utils.DShard(0) == Shard(0)
    assert not isinstance(Shard(0), _shard_utils.DeviceMesh)
    assert is_compile_supported('cpu') == torch._dynamo.is_dynamo_supported()


def test_the_collector_rests_while_much_is_imported():
    with contextlib.suppress(ImportError), compat.garbage_kept():
        assert not gc.isenabled()
        raise ImportError
    assert gc.isenabled()
    assert gc.get_freeze_count() == 0


def test_a_collector_that_was_off_stays_off():
    gc.disable()
    try:
        with compat.garbage_kept():
            pass
        assert not gc.isenabled()
    finally:
        gc.enable()


# ----------------------------------------------------------------------------- mediapipe


@pytest.fixture
def make_package(tmp_path, monkeypatch, own_imports):
    monkeypatch.syspath_prepend(tmp_path)
    for name in [n for n in sys.modules if n.partition('.')[0] in ('mediapipe', 'controlnet_aux')]:
        monkeypatch.delitem(sys.modules, name)

    def make(name, content='', solutions=False):
        folder = tmp_path / name
        (folder / 'python' / 'solutions').mkdir(parents=True) if solutions else folder.mkdir()
        (folder / '__init__.py').write_text(content)
        importlib.invalidate_caches()

    return make


CONTROLNET_AUX = """
try:
    import mediapipe
except ImportError:
    mediapipe = None
if mediapipe:
    drawing = mediapipe.solutions
"""


def test_mediapipe_without_solutions_is_hidden_from_controlnet_aux_only(make_package):
    make_package('mediapipe')
    make_package('controlnet_aux', CONTROLNET_AUX)
    compat.guard_controlnet_aux()
    assert importlib.import_module('controlnet_aux').mediapipe is None
    assert importlib.import_module('mediapipe').__name__ == 'mediapipe'


def test_mediapipe_already_imported_is_put_back(make_package):
    make_package('mediapipe')
    module = importlib.import_module('mediapipe')
    with compat.mediapipe_hidden(), pytest.raises(ImportError):
        importlib.import_module('mediapipe')
    assert sys.modules['mediapipe'] is module


def test_mediapipe_with_solutions_is_left_alone(make_package):
    make_package('mediapipe', "solutions = 'here'", solutions=True)
    make_package('controlnet_aux', CONTROLNET_AUX)
    compat.guard_controlnet_aux()
    assert compat.is_mediapipe_usable()
    assert importlib.import_module('controlnet_aux').drawing == 'here'


def test_absent_mediapipe_is_not_usable_and_stays_absent(own_imports, monkeypatch):
    monkeypatch.setattr(importlib.util, 'find_spec', lambda name: None)
    monkeypatch.delitem(sys.modules, 'mediapipe', raising=False)
    assert not compat.is_mediapipe_usable()
    with compat.mediapipe_hidden():
        pass
    assert 'mediapipe' not in sys.modules


# ------------------------------------------------------------------------ config prefix


@pytest.fixture
def child(tmp_path, monkeypatch):
    """A config of a user's, in a folder with another of the same name as ours."""
    folder = tmp_path / 'configs'
    (folder / '_base_').mkdir(parents=True)
    (folder / '_base_' / 'model.py').write_text("model = dict(type='Ours', head=dict(type='X'))\n")
    (folder / 'demo.py').write_text("_base_ = ['_base_/model.py']\nmax_iters = 10\n")
    monkeypatch.setattr(config_file, 'configs_folder', lambda: folder)
    monkeypatch.chdir(tmp_path)
    return tmp_path / 'demo.py'


def test_own_configs_are_inherited_like_local_ones(child):
    child.write_text("_base_ = 'fbinpaint_mm::demo.py'\nmodel = dict(head=dict(type='Y'))\n")
    cfg = Config.fromfile(child)
    assert cfg.model == dict(type='Ours', head=dict(type='Y'))
    assert cfg.max_iters == 10


def test_a_part_of_own_configs_is_inherited_too(child):
    child.write_text("_base_ = 'fbinpaint_mm::_base_/model.py'\n")
    assert Config.fromfile(child).model.type == 'Ours'


def test_unknown_own_config_is_named_with_those_that_exist(child):
    child.write_text("_base_ = 'fbinpaint_mm::demos.py'\n")
    with pytest.raises(
        FileNotFoundError, match=r"configs/demos\.py' is neither.* Did you mean: demo$"
    ):
        Config.fromfile(child)


def test_configs_of_other_packages_keep_their_scope(tmp_path):
    child = tmp_path / 'child.py'
    child.write_text(
        "_base_ = 'mmseg::_base_/models/fcn_unet_s5-d16.py'\nsegmentor = _base_.model\n"
    )
    assert Config.fromfile(child).segmentor._scope_ == 'mmseg'


def test_configs_of_other_packages_are_found_without_their_metafiles(tmp_path, monkeypatch):
    monkeypatch.delattr('yaml.load')
    child = tmp_path / 'child.py'
    child.write_text("_base_ = 'mmagic::_base_/models/base_gl.py'\n")
    assert Config.fromfile(child).model.type == 'GLInpaintor'


def test_an_unknown_config_of_another_package_is_refused_by_mmengine(tmp_path):
    child = tmp_path / 'child.py'
    child.write_text("_base_ = 'mmagic::_base_/models/base_none.py'\n")
    with pytest.raises(FileNotFoundError, match=r'mmagic/\.mim/configs/_base_/models/base_none'):
        Config.fromfile(child)


# ----------------------------------------------------------------------- warnings, install


def test_only_the_listed_warnings_are_hidden():
    with warnings.catch_warnings(record=True) as seen:
        warnings.simplefilter('always')
        compat.filter_warnings()
        warnings.warn("'pkgutil.find_loader' is deprecated", DeprecationWarning, stacklevel=1)
        warnings.warn_explicit(
            "'pkgutil.find_loader' is deprecated",
            DeprecationWarning,
            'misc.py',
            1,
            'mmengine.utils',
        )
        warnings.warn_explicit('another', DeprecationWarning, 'misc.py', 2, 'mmengine.utils')
    assert [warning.filename for warning in seen] == [__file__, 'misc.py']
    assert str(seen[1].message) == 'another'


def test_install_twice_changes_nothing():
    compat.install()
    compat.add_config_prefix(config_file.find_package_config)
    state = list(sys.meta_path), list(warnings.filters), Config._get_cfg_path
    compat.install()
    compat.add_config_prefix(config_file.find_package_config)
    assert (list(sys.meta_path), list(warnings.filters), Config._get_cfg_path) == state


def test_environment_variable_of_the_user_wins(monkeypatch):
    monkeypatch.setenv('NO_ALBUMENTATIONS_UPDATE', '0')
    compat.silence_albumentations()
    assert os.environ['NO_ALBUMENTATIONS_UPDATE'] == '0'


# ------------------------------------------------------------------------- CPU processes


def test_single_process_is_left_alone():
    cfg = Config(dict(launcher='none'))
    assert not compat.init_cpu_distributed(cfg)
    assert 'model_wrapper_cfg' not in cfg


def test_gpu_machine_is_left_alone(monkeypatch):
    monkeypatch.setattr(torch.cuda, 'is_available', lambda: True)
    assert not compat.init_cpu_distributed(Config(dict(launcher='pytorch')))


def test_own_wrapper_is_kept_and_loses_its_device(monkeypatch):
    distributed = types.SimpleNamespace(is_initialized=lambda: True)
    monkeypatch.setattr(torch, 'distributed', distributed)
    monkeypatch.setattr(torch.cuda, 'is_available', lambda: False)
    cfg = Config(
        dict(launcher='pytorch', model_wrapper_cfg=dict(type='Own', find_unused_parameters=True))
    )
    assert compat.init_cpu_distributed(cfg)
    expected = dict(
        type='Own', find_unused_parameters=True, broadcast_buffers=False, device_ids=None
    )
    assert cfg.model_wrapper_cfg == expected


class Toy(BaseModel):
    def __init__(self):
        super().__init__()
        self.linear = torch.nn.Linear(1, 1, bias=False)

    def forward(self, inputs, mode='loss'):
        return dict(loss=(self.linear(inputs) * 1.0).mean())


def count_gloo_threads():
    """Linux tells which threads there are."""
    tasks = Path('/proc/self/task').glob('*/comm')
    return sum('gloo' in task.read_text() for task in tasks)


def train_on_rank(rank, folder, port):
    """As torchrun would have started it."""
    torch.set_num_threads(1)
    environment = dict(RANK=rank, LOCAL_RANK=rank, WORLD_SIZE=2, MASTER_PORT=port)
    os.environ.update({key: str(value) for key, value in environment.items()})
    os.environ['MASTER_ADDR'] = '127.0.0.1'
    loader = dict(
        dataset=[dict(inputs=torch.full((1,), value)) for value in (1.0, 3.0)],
        batch_size=1,
        num_workers=0,
        collate_fn=dict(type='default_collate'),
        sampler=dict(type='DefaultSampler', shuffle=False),
    )
    cfg = Config(
        dict(
            model=dict(type=Toy),
            work_dir=str(folder),
            launcher='pytorch',
            train_dataloader=loader,
            train_cfg=dict(by_epoch=True, max_epochs=1),
            optim_wrapper=dict(optimizer=dict(type='SGD', lr=1.0)),
        )
    )
    assert compat.init_cpu_distributed(cfg)
    step = train_once(cfg)
    threads = [count_gloo_threads()]
    compat.end_process_group()
    (folder / f'{rank}.json').write_text(json.dumps([step, *threads, count_gloo_threads()]))


def train_once(cfg):
    """How far the only weight goes; no Runner is left, which would keep the process group."""
    runner = Runner.from_cfg(cfg)
    before = runner.model.module.linear.weight.item()
    runner.train()
    torch.distributed.barrier()
    return before - runner.model.module.linear.weight.item()


@pytest.mark.skipif(torch.cuda.is_available(), reason='for machines without a GPU')
def test_two_processes_train_on_cpus_and_average_gradients(tmp_path):
    with socket.socket() as listener:
        listener.bind(('127.0.0.1', 0))
        port = listener.getsockname()[1]
    start_processes(train_on_rank, (tmp_path, port), nprocs=2, start_method='fork')
    for rank in range(2):
        step, before, after = json.loads((tmp_path / f'{rank}.json').read_text())
        # Rank 0 sees 1 and rank 1 sees 3, which is also the gradient: their mean is 2.
        assert step == pytest.approx(2)
        # A thread that outlives the interpreter may abort the process.
        assert after == 0
        assert before > 0 or not Path('/proc/self/task').is_dir()


def test_a_process_leaves_its_group_and_needs_none(tmp_path):
    compat.end_process_group()
    store = torch.distributed.FileStore(str(tmp_path / 'store'), 1)
    torch.distributed.init_process_group('gloo', store=store, rank=0, world_size=1)
    compat.end_process_group()
    assert not torch.distributed.is_initialized()


def test_sizes_are_traced_for_a_while_and_the_numbers_are_the_same():
    """mmseg's Upsample makes a constant of the size, which a trace at another size shows."""
    from mmseg.models.utils import Upsample

    old = Upsample(scale_factor=2, mode='bilinear', align_corners=False)
    fixed = Upsample(size=(4, 4))
    network = torch.nn.Sequential(old, fixed)
    small, large = torch.randn(1, 2, 3, 5), torch.randn(1, 2, 6, 4)
    expected = old(large)
    with compat.sizes_traced(network), warnings.catch_warnings():
        warnings.simplefilter('ignore')
        assert network[0] is not old
        assert network[1] is fixed
        assert network[0](large).equal(expected)
        assert torch.jit.trace(network[0], small)(large).equal(expected)
    assert network[0] is old


def test_sizes_are_untraced_after_an_error_too():
    from mmseg.models.utils import Upsample

    network = torch.nn.Sequential(Upsample(scale_factor=2))
    with pytest.raises(KeyError), compat.sizes_traced(network):
        raise KeyError
    assert type(network[0]) is Upsample


def test_onnx_is_written_by_trace_in_the_opset_asked_for(tmp_path):
    import onnx

    path = tmp_path / 'network.onnx'
    compat.export_onnx(torch.nn.GELU(), (torch.zeros(2, 3),), str(path), opset_version=17)
    model = onnx.load(path)
    assert [entry.version for entry in model.opset_import] == [17]
    assert 'Erf' in {node.op_type for node in model.graph.node}  # no Gelu before opset 20


def test_metafiles_of_other_packages_are_read_once(repository, monkeypatch):
    Config.fromfile(repository / 'configs/fbinpaint_demo.py')
    monkeypatch.setattr('mmengine.config.utils.load', lambda path: pytest.fail(str(path)))
    again = Config.fromfile(repository / 'configs/fbinpaint_demo.py')
    assert again.model.generator.segmentor.type == 'EncoderDecoder'


def test_a_config_is_formatted_again_only_when_it_has_changed(monkeypatch):
    cfg = Config(dict(width=4))
    text = cfg.pretty_text
    monkeypatch.setattr('yapf.yapflib.yapf_api.FormatCode', lambda text, **_: (text, True))
    assert cfg.pretty_text is text
    cfg.width = 5
    assert cfg.pretty_text == 'width=5'


def test_a_config_that_cannot_be_formatted_has_its_text(monkeypatch):
    def fail(text, **_):
        raise EOFError('Ran out of input')  # a cache that another process is writing

    monkeypatch.setattr('yapf.yapflib.yapf_api.FormatCode', fail)
    cfg = Config(dict(model=dict(widths=[4, 5]), name='not formatted'))
    assert Config.fromstring(cfg.pretty_text, '.py').to_dict() == cfg.to_dict()
