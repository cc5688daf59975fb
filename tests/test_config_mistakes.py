from __future__ import annotations

import json
from types import FunctionType

import pytest
import torch
from mmagic.registry import HOOKS, MODELS
from mmengine.config import Config
from mmengine.optim import build_optim_wrapper
from mmengine.runner import Runner

from fbinpaint_mm.config_file import read_config
from fbinpaint_mm.config_mistakes import mistakes_in_settings
from fbinpaint_mm.user_error import UserError

BASE = 'x = 1\n'


def read(tmp_path, text, base=BASE):
    (tmp_path / 'base.py').write_text(base)
    path = tmp_path / 'child.py'
    path.write_text(text)
    return read_config(path)


@pytest.mark.parametrize(
    ('text', 'message'),
    [
        ('x = 1\ny = dict(\n', r"child\.py', line 2: .* was never closed"),
        ('x = 1\n\ny = z\n', r"child\.py', line 3: NameError: name 'z' is not defined"),
        ('x = 1 / 0\n', r"child\.py', line 1: ZeroDivisionError: division by zero"),
        ("_base_ = 'base.py'\nx = dict(y=_base_.z)\n", r"child\.py', line 2: .*'z'"),
        ("x = '\x00'\n", r"child\.py'.*null bytes"),
    ],
)
def test_a_config_that_cannot_be_read_is_told_with_file_and_line(tmp_path, text, message):
    with pytest.raises(UserError, match=message) as error:
        read(tmp_path, text)
    assert error.value.__cause__ is not None
    assert '\n' not in str(error.value)


def test_so_is_one_that_it_inherits_from(tmp_path):
    with pytest.raises(UserError, match=r"base\.py', line 2: unmatched"):
        read(tmp_path, "_base_ = 'base.py'\n", base='x = 1\n)\n')
    with pytest.raises(UserError, match=r"base\.py', line 1: NameError: name 'z'"):
        read(tmp_path, "_base_ = 'base.py'\n", base='y = z\n')


def test_a_base_that_is_missing_is_named_with_its_child(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"child\.py'.*nothere\.py.*fbinpaint_mm::NAME"):
        read(tmp_path, "_base_ = 'nothere.py'\n")


@pytest.mark.parametrize(
    ('text', 'message'),
    [
        ('x = 1\n\ny = z\n', "line 3: NameError: name 'z' is not defined"),
        ('x = 1\n)\n', "line 2: unmatched '\\)'"),
        ('import not_there_at_all\n', "line 1: .*No module named 'not_there_at_all'"),
    ],
)
def test_a_module_that_cannot_be_imported_is_named(tmp_path, monkeypatch, text, message):
    monkeypatch.syspath_prepend(tmp_path)
    name = f'own_module_{len(text)}'
    (tmp_path / f'{name}.py').write_text(text)
    imports = f'custom_imports = dict(imports=[{name!r}], allow_failed_imports=False)\n'
    with pytest.raises(UserError, match=rf"child\.py', custom_imports: '.*/{name}\.py', {message}"):
        read(tmp_path, imports)


def test_so_is_a_module_that_is_not_there(tmp_path):
    imports = "custom_imports = dict(imports=['not_there_at_all'], allow_failed_imports=False)"
    message = r"child\.py': ModuleNotFoundError: No module named 'not_there_at_all'$"
    with pytest.raises(UserError, match=message):
        read(tmp_path, imports)


def test_no_text_at_all_is_told_too(tmp_path):
    path = tmp_path / 'child.py'
    path.write_bytes(b'\xff\xfe\x00')
    with pytest.raises(UserError, match=r"child\.py': UnicodeDecodeError"):
        read_config(path)


@pytest.fixture
def registered():
    """Classes for the configs of this module."""

    class Base:
        def __init__(self, width: int, depth: int = 1) -> None:
            if width < 0:
                raise ValueError(f'width is {width}, negative')

    @MODELS.register_module(name='MistakenPart')
    class MistakenPart(Base):
        def __init__(self, name: str = '', **kwargs) -> None:
            super().__init__(**kwargs)

    @MODELS.register_module(name='MistakenWhole')
    class MistakenWhole:
        def __init__(self, part: dict) -> None:
            self.part = MODELS.build({**part, 'depth': 2})

    @MODELS.register_module(name='MistakenCall')
    class MistakenCall:
        def __init__(self, **kwargs) -> None:
            json.dumps(1, no_such_setting=3) if not kwargs else int(no_such_setting=3)

    yield
    for name in ('MistakenPart', 'MistakenWhole', 'MistakenCall'):
        MODELS.module_dict.pop(name)


def whole(**part):
    return dict(type='MistakenWhole', part=dict(type='MistakenPart', **part))


@pytest.mark.parametrize(
    ('model', 'message'),
    [
        (
            dict(type='MistakenHole'),
            r"model\.type: there is no model 'MistakenHole'\. Did you mean 'M",
        ),
        (dict(type='Zzz'), r"model\.type: there is no model 'Zzz'\. .* custom_imports"),
        (dict(x=1), r'model: found no type, expected the name of a registered model'),
        (dict(type='MistakenWhole'), r"model \(MistakenWhole\): found no 'part'"),
        (dict(type='MistakenWhole', prt={}), r"model\.prt: .* Did you mean 'part'\?"),
        (
            dict(type='MistakenWhole', part=dict(type='MistakenPart', width=1), width=2),
            r'^model\.width: nothing takes this setting',
        ),
        (whole(width=1, dept=2), r"^model\.part\.dept: nothing takes .* Did you mean 'depth'\?"),
        (whole(width=1, zzz=2), r'^model\.part\.zzz: .* Expected one of depth, name, width$'),
        (
            whole(width=-1),
            r'^model\.part \(MistakenPart\) cannot be built: ValueError: width is -1',
        ),
        (whole(width=[1]), r'^model\.part \(MistakenPart\) .* TypeError: .*FBINPAINT_TRACEBACK=1'),
        (whole(width='a'), r"^model\.part\.width: found 'a', expected a number$"),
    ],
)
def test_what_cannot_be_built_is_told_with_its_place(registered, model, message):
    cfg = Config(dict(other=whole(width=3), model=model))
    with pytest.raises(UserError, match=message) as error, mistakes_in_settings(cfg):
        MODELS.build(cfg.model)
    assert '\n' not in str(error.value)


def test_a_wrong_keyword_that_no_config_gives_is_a_bug(registered):
    cfg = Config(dict(model=dict(type='MistakenCall')))
    with pytest.raises(TypeError, match='no_such_setting'), mistakes_in_settings(cfg):
        MODELS.build(cfg.model)


class Buggy:
    known = 1

    def misses_an_attribute(self):
        return self.unknown

    def misses_a_name(self):
        return unknown  # noqa: F821

    def is_not_as_believed(self):
        assert self.known == 2

    def gets(self, value):
        return value.unknown


OURS = {'__name__': 'fbinpaint_mm.models.buggy'}  # globals of a function of ours


@pytest.mark.parametrize('name', ['misses_an_attribute', 'misses_a_name', 'is_not_as_believed'])
def test_what_is_wrong_whatever_the_config_says_is_a_bug(name):
    method = getattr(Buggy, name)
    ours = FunctionType(method.__code__, OURS | dict(AssertionError=AssertionError))
    HOOKS.register_module(name='BuggyHook', module=lambda: ours(Buggy()), force=True)
    try:
        with (
            pytest.raises((AttributeError, NameError, AssertionError)),
            mistakes_in_settings(Config({})),
        ):
            HOOKS.build(dict(type='BuggyHook'))
    finally:
        HOOKS.module_dict.pop('BuggyHook')


@pytest.mark.parametrize('value', [None, Buggy()])
def test_a_value_of_another_kind_is_a_mistake(value):
    ours = FunctionType(Buggy.gets.__code__, OURS)
    HOOKS.register_module(name='BuggyHook', module=lambda: ours(Buggy(), value), force=True)
    try:
        message = f"AttributeError: '{type(value).__name__}' object has no"
        with pytest.raises(UserError, match=message), mistakes_in_settings(Config({})):
            HOOKS.build(dict(type='BuggyHook'))
    finally:
        HOOKS.module_dict.pop('BuggyHook')


@pytest.mark.parametrize('error', [ValueError('a bug'), KeyError('x'), TypeError('a bug')])
def test_what_is_not_building_is_a_bug(error):
    with pytest.raises(type(error)) as found, mistakes_in_settings(Config({})):
        raise error
    assert found.value is error


@pytest.mark.parametrize('error', [UserError('width: found 0'), FileNotFoundError('a.txt')])
def test_sentences_for_users_stay_as_they_are(registered, error):
    @HOOKS.register_module(name='RefusingHook', force=True)
    class RefusingHook:
        def __init__(self) -> None:
            raise error

    try:
        with pytest.raises(type(error)) as found, mistakes_in_settings(Config({})):
            HOOKS.build(dict(type='RefusingHook'))
    finally:
        HOOKS.module_dict.pop('RefusingHook')
    assert found.value is error


@pytest.mark.parametrize(
    ('settings', 'message'),
    [
        (dict(batch_sze=2), r"^val_dataloader\.batch_sze: .*Did you mean 'batch_size'"),
        (dict(batch_size=0), r'^val_dataloader cannot be built: ValueError: batch_size should be'),
        (dict(collate_fn=dict(type='Zzz')), r'^val_dataloader\.collate_fn\.type: there is no fun'),
    ],
)
def test_what_mmengine_builds_without_a_registry_is_told_alike(settings, message):
    loader = dict(dataset=[1, 2], sampler=dict(type='DefaultSampler', shuffle=False), num_workers=0)
    cfg = Config(dict(train_dataloader=loader, val_dataloader={**loader, **settings}))
    with pytest.raises(UserError, match=message), mistakes_in_settings(cfg):
        Runner.build_dataloader(cfg.val_dataloader)


def test_a_class_that_is_not_named_by_its_type_is_told_with_its_place():
    cfg = Config(dict(optim_wrapper=dict(constructor='Zzz', optimizer=dict(type='SGD', lr=1.0))))
    message = r"^optim_wrapper\.constructor: there is no optimizer wrapper constructor 'Zzz'"
    with pytest.raises(UserError, match=message), mistakes_in_settings(cfg):
        build_optim_wrapper(torch.nn.Linear(1, 1), cfg.optim_wrapper)


def test_a_config_without_a_model_is_told():
    cfg = Config(dict(work_dir='here'))
    message = "^the config: the setting 'model' is missing"
    with pytest.raises(UserError, match=message), mistakes_in_settings(cfg):
        Runner.from_cfg(cfg)


def test_a_setting_that_is_passed_on_to_another_library_is_told_when_that_refuses_it():
    cfg = Config(dict(optim_wrapper=dict(clip_grad=dict(max_nrm=1))))
    message = r'^optim_wrapper\.clip_grad\.max_nrm: nothing takes this setting'
    with pytest.raises(UserError, match=message), mistakes_in_settings(cfg):
        torch.nn.utils.clip_grad_norm_([], **cfg.optim_wrapper.clip_grad)


def test_a_long_message_is_cut(registered):
    cfg = Config(dict(model=dict(type='MistakenPart', width=-(10**2000))))
    with pytest.raises(UserError) as error, mistakes_in_settings(cfg):
        MODELS.build(cfg.model)
    assert str(error.value).endswith(' ... (FBINPAINT_TRACEBACK=1 shows where)')
    assert len(str(error.value)) < 450


def test_a_checkpoint_that_cannot_be_continued_with_the_settings_is_named():
    class Resuming:
        def load_checkpoint(self, *args, **kwargs):
            raise ValueError('a parameter group that does not match')

    cfg = Config(dict(load_from='iter_3.pth'))
    message = r"^'iter_3\.pth' cannot be continued with these settings: ValueError: a param"
    with pytest.raises(UserError, match=message), mistakes_in_settings(cfg):
        Runner.resume(Resuming(), 'iter_3.pth')
