"""Numbers of a config are numbers, before mmengine needs them."""

from __future__ import annotations

import pytest
from mmengine.config import Config
from mmengine.registry import HOOKS
from torch.optim import SGD

from fbinpaint_mm.config_checks import check_loaders, check_unchecked, is_number, wrong_number
from fbinpaint_mm.config_file import read_config
from fbinpaint_mm.user_error import UserError

LOADER = dict(dataset=dict(type='A'), batch_size=2, num_workers=0)


@pytest.mark.parametrize(
    ('settings', 'message'),
    [
        (dict(batch_size=0), r'batch_size: found 0, expected a whole number of 1 or more$'),
        (dict(batch_size='two'), r"batch_size: found 'two', expected a whole number of 1 or more$"),
        (dict(batch_size=True), r'batch_size: found True, expected'),
        (dict(batch_size=None), r'batch_size: found None, expected'),
        (dict(num_workers=-1), r'num_workers: found -1, expected a whole number of 0 or more$'),
        (dict(num_workers=0.5), r'num_workers: found 0\.5, expected'),
        (
            dict(persistent_workers=True),
            r'persistent_workers: found True, but PLACE\.num_workers is 0; expected a worker, or '
            r'persistent_workers=False$',
        ),
        (dict(prefetch_factor=4), r'prefetch_factor: found 4, .* or prefetch_factor=None$'),
    ],
)
@pytest.mark.parametrize('place', ['train_dataloader', 'test_dataloader.1'])
def test_a_data_loader_that_cannot_be_is_refused(settings, message, place):
    wrong = {**LOADER, **settings}
    loaders = wrong if place == 'train_dataloader' else [LOADER, wrong]
    with pytest.raises(UserError, match=rf'^{place}\.{message.replace("PLACE", place)}'):
        check_loaders(Config({place.partition('.')[0]: loaders}))


def test_other_data_loaders_are_left_alone():
    loaders = [
        LOADER,
        dict(LOADER, persistent_workers=False, prefetch_factor=None),
        dict(LOADER, num_workers=2, persistent_workers=True, prefetch_factor=4),
        dict(dataset=dict(type='A', dataset=dict(batch_size=2)), batch_sampler=dict(type='B')),
    ]
    check_loaders(Config(dict(train_dataloader=loaders[0], val_dataloader=loaders, x_dataloader=0)))


def test_a_window_of_the_log_may_have_one_of_mmengines_names():
    for name in ('epoch', 'global'):
        custom = [dict(data_src='loss', window_size=name, method_name='mean')]
        check_unchecked(Config(dict(log_processor=dict(custom_cfg=custom))))


@pytest.fixture
def registered():
    class Base:
        def __init__(self, start: int = 1, size=(1, 1), slope: float | None = None) -> None:
            pass

    class Numbered(Base):
        def __init__(
            self, ramp: int, share: float | str = 1.0, mode=None, name='x', flag=False, **kwargs
        ) -> None:
            pass

    HOOKS.register_module(name='NumberedHook', module=Numbered)
    yield
    HOOKS.module_dict.pop('NumberedHook')


@pytest.mark.parametrize('key', ['ramp', 'start', 'slope'])
def test_a_text_in_place_of_a_number_is_found_by_default_or_annotation(registered, key):
    hook = dict(type='NumberedHook', **{key: 'fast'})
    cfg = Config(dict(custom_hooks=[dict(type='Unknown', ramp='fast'), hook]))
    assert wrong_number(cfg) == f"custom_hooks.1.{key}: found 'fast', expected a number"


@pytest.mark.parametrize('key', ['share', 'mode', 'name', 'flag', 'size', 'of_nothing'])
def test_what_may_be_a_text_is_left_alone(registered, key):
    assert (
        wrong_number(Config(dict(custom_hooks=[dict(type='NumberedHook', **{key: 'x'})]))) is None
    )


@pytest.mark.parametrize('kind', ['SGD', 'AdamW', 'mmagic.Adam', SGD])
def test_so_is_the_rate_of_an_optimizer(kind):
    cfg = Config(dict(optim_wrapper=dict(generator=dict(optimizer=dict(type=kind, lr='1e-4x')))))
    message = "optim_wrapper.generator.optimizer.lr: found '1e-4x', expected a number"
    assert wrong_number(cfg) == message


@pytest.mark.parametrize('name', ['fbinpaint_demo', 'aot_camvid_64px', 'fbinpaint_camvid'])
def test_our_configs_have_numbers(name):
    cfg = read_config(name)
    assert wrong_number(cfg) is None
    check_loaders(cfg)


def test_true_is_no_number():
    assert is_number(0)
    assert is_number(0.5)
    assert not is_number(True)
    assert not is_number('1')
