from __future__ import annotations

import logging
import os
from copy import deepcopy
from pathlib import Path

import pytest
import torch
from mmengine.config import Config

from fbinpaint_mm.cli import resume
from fbinpaint_mm.cli.resume import (
    AUTO,
    DropConfigTextHook,
    changed_settings,
    check_resumable,
    find_newest_checkpoint,
    set_resume,
)
from fbinpaint_mm.safe_loading import UntrustedCheckpointError
from fbinpaint_mm.user_error import UserError
from tests.test_engine.toy_run import toy_runner


@pytest.fixture
def messages(monkeypatch):
    seen = []
    monkeypatch.setattr(
        resume, 'print_log', lambda text, logger, level=logging.INFO: seen.append(text)
    )
    return seen


@pytest.fixture
def save(tmp_path):
    """Writes a small checkpoint with all that resuming reads, as old as its number is small."""

    def write(name, seconds=None):
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True)
        state = dict(weight=torch.arange(1000.0))
        torch.save(dict(meta=dict(iter=1), state_dict=state, message_hub={}), path)
        if seconds is not None:
            os.utime(path, (seconds, seconds))
        return path

    return write


def test_resume_takes_the_newest_checkpoint_and_says_so(messages, tmp_path, save):
    newest = save('iter_20.pth')
    (tmp_path / 'last_checkpoint').write_text(str(newest))
    cfg = Config(dict(work_dir=str(tmp_path), load_from='pretrained.pth'))
    set_resume(cfg, AUTO)
    assert (cfg.load_from, cfg.resume) == (str(newest), True)
    assert messages == [f'--resume: continuing from {newest}.']


def test_resume_warns_of_settings_of_the_model_that_have_changed(messages, tmp_path):
    then = Config(dict(model=dict(freeze_initial=True), work_dir='elsewhere'))
    meta = dict(iter=1, cfg=then.pretty_text)
    torch.save(dict(meta=meta, state_dict={}, message_hub={}), tmp_path / 'iter_20.pth')
    cfg = Config(dict(model=dict(freeze_initial=False), work_dir=str(tmp_path)))
    set_resume(cfg, AUTO)
    assert messages[1:] == ['--resume: model.freeze_initial: True then, False now.']


def test_resume_works_in_a_folder_that_was_moved(tmp_path, save):
    save('iter_20.pth')
    (tmp_path / 'last_checkpoint').write_text('/not/there/any/more/iter_20.pth')
    assert find_newest_checkpoint(tmp_path) == tmp_path / 'iter_20.pth'


def test_resume_finds_a_checkpoint_kept_elsewhere(tmp_path, save):
    kept = save('elsewhere.pth')
    work_dir = tmp_path / 'run'
    work_dir.mkdir()
    (work_dir / 'last_checkpoint').write_text(str(kept))
    assert find_newest_checkpoint(work_dir) == kept


@pytest.mark.parametrize('record', [None, '', 'deleted.pth'])
def test_resume_survives_a_lost_record(tmp_path, save, record):
    for name in ('iter_5.pth', 'iter_20.pth', 'iter_100.pth', 'best_PSNR_iter_100.pth'):
        save(name)
    if record is not None:
        (tmp_path / 'last_checkpoint').write_text(record)
    assert find_newest_checkpoint(tmp_path) == tmp_path / 'iter_100.pth'


@pytest.mark.parametrize('share', [0.0, 0.001, 0.5, 0.99, 1.0])
def test_resume_passes_over_a_checkpoint_that_was_cut_off(messages, tmp_path, save, share):
    older, newest = save('iter_20.pth'), save('iter_100.pth')
    (tmp_path / 'last_checkpoint').write_text(str(newest))
    data = newest.read_bytes()
    newest.write_bytes(data[: round(share * (len(data) - 1))])
    assert find_newest_checkpoint(tmp_path) == older
    assert len(messages) == 1
    assert messages[0].startswith(f'--resume: {newest} is passed over: it is cut off')


def test_resume_passes_over_a_damaged_checkpoint(messages, tmp_path, save):
    older, newest = save('iter_20.pth'), save('iter_100.pth')
    data = bytearray(newest.read_bytes())
    data[len(data) // 2] ^= 1
    newest.write_bytes(data)
    assert find_newest_checkpoint(tmp_path) == older
    assert messages == [
        f"--resume: {newest} is passed over: its part 'iter_100/data/0' is damaged."
    ]


def test_resume_passes_over_mere_weights(messages, tmp_path, save):
    older, newest = save('iter_20.pth'), tmp_path / 'iter_100.pth'
    torch.save(dict(state_dict={}), newest)
    assert find_newest_checkpoint(tmp_path) == older
    assert 'no training state (no meta, message_hub)' in messages[0]


@pytest.mark.parametrize('key', ['meta', 'state_dict', 'message_hub'])
def test_a_training_state_of_nothing_is_none(tmp_path, key):
    state = dict(meta=dict(iter=1), state_dict={}, message_hub={}) | {key: None}
    torch.save(state, tmp_path / 'iter_1.pth')
    with pytest.raises(UserError, match=rf'no training state \(no {key}\)'):
        check_resumable(tmp_path / 'iter_1.pth')


def test_only_the_checkpoint_that_was_named_is_told(tmp_path):
    torch.save(dict(meta=None), tmp_path / 'given.pth')
    torch.save(dict(meta=Path('a')), tmp_path / 'iter_2.pth')  # refused, as not of the safe types
    message = r'continue from .*given\.pth.: .*What is beside it is not trusted either\.$'
    with pytest.raises(UserError, match=message) as error:
        check_resumable(tmp_path / 'given.pth')
    assert not isinstance(error.value, UntrustedCheckpointError)


def test_a_checkpoint_younger_than_the_record_is_the_newest(tmp_path, save):
    """The process was killed between the two; but a longer run's older files do not count."""
    save('iter_900.pth', seconds=100), save('iter_20.pth', seconds=200)
    record = tmp_path / 'last_checkpoint'
    record.write_text(str(tmp_path / 'iter_20.pth'))
    os.utime(record, (300, 300))
    assert find_newest_checkpoint(tmp_path).name == 'iter_20.pth'
    save('iter_40.pth', seconds=400)
    assert find_newest_checkpoint(tmp_path).name == 'iter_40.pth'


def test_a_given_checkpoint_that_is_not_whole_is_refused(tmp_path, save):
    given, beside = tmp_path / 'iter_100.pth', save('iter_20.pth')
    given.write_bytes(b'PK')
    cfg = Config(dict(work_dir=str(tmp_path)))
    with pytest.raises(UserError, match=r'cannot continue from .*iter_100') as error:
        set_resume(cfg, str(given))
    assert str(error.value).endswith(f'The newest whole one beside it is {beside}.')
    set_resume(cfg, str(beside))
    assert (cfg.load_from, cfg.resume) == (str(beside), True)


@pytest.mark.parametrize('record', [None, 'deleted.pth'])
def test_resume_without_a_checkpoint_says_that_there_is_none(messages, tmp_path, record):
    if record:
        (tmp_path / 'last_checkpoint').write_text(str(tmp_path / record))
    cfg = Config(dict(work_dir=str(tmp_path), load_from='pretrained.pth', resume=False))
    set_resume(cfg, AUTO)
    assert (cfg.load_from, cfg.resume) == ('pretrained.pth', False)
    assert messages == [
        f'--resume: no whole checkpoint in {tmp_path}, training starts from the beginning.'
    ]


def test_no_text_in_a_checkpoint_is_run_by_mmengine(tmp_path):
    toy_runner(tmp_path, 2).train()
    path, marker = tmp_path / 'iter_2.pth', tmp_path / 'marker'
    state = torch.load(path, weights_only=False)
    state['meta']['config'] = f"open({str(marker)!r}, 'w').close()\na = 1"
    torch.save(state, path)
    runner = toy_runner(tmp_path, 4, resume=path)
    runner.register_hook(DropConfigTextHook())
    runner.train()
    assert runner.iter == 4
    assert not marker.exists()


@pytest.mark.parametrize(
    ('unit', 'train_cfg'), [('iter', dict(max_iters=20)), ('epoch', dict(max_epochs=20))]
)
def test_a_run_that_is_done_is_told_and_one_that_is_longer_refused(
    messages, tmp_path, unit, train_cfg
):
    for done in (20, 21):
        meta = dict(iter=1, epoch=1) | {unit: done}
        torch.save(dict(meta=meta, state_dict={}, message_hub={}), tmp_path / f'iter_{done}.pth')
    cfg = Config(dict(work_dir=str(tmp_path), train_cfg=train_cfg))
    set_resume(cfg, str(tmp_path / 'iter_20.pth'))
    assert messages[1] == (
        '--resume: nothing left to train, only a validation if it is missing: '
        f'{tmp_path}/iter_20.pth has done 20, train_cfg.max_{unit}s is 20.'
    )
    told = f'iter_21.pth has done 21, train_cfg.max_{unit}s is 20; ask for more than 21'
    setting = dict(iter='max_iters', epoch=r'train_cfg\.max_epochs')[unit]
    message = rf'nothing left to train: .*{told} with --cfg-options {setting}=NUMBER$'
    with pytest.raises(UserError, match=message):
        set_resume(cfg, AUTO)


def test_only_the_first_of_many_changes_are_told(messages, tmp_path):
    then = Config(dict(model={f'part_{index}': 1 for index in range(30)}))
    meta = dict(iter=1, cfg=then.pretty_text)
    torch.save(dict(meta=meta, state_dict={}, message_hub={}), tmp_path / 'iter_20.pth')
    set_resume(Config(dict(model=dict(new='x' * 200), work_dir=str(tmp_path))), AUTO)
    assert messages[1] == f"--resume: model.new: nothing then, '{'x' * 79}... now."
    assert messages[-1] == '--resume: 11 more have changed.'
    assert len(messages) == 22


# ------------------------------------------------------------------------- changed settings


SETTINGS = dict(
    model=dict(type='A', freeze_initial=True, initial=dict(init_cfg=dict(checkpoint='a.pth'))),
    optim_wrapper=dict(optimizer=dict(lr=0.1, betas=(0.5, 0.9))),
    work_dir='first',
)


@pytest.fixture
def save_cfg(tmp_path):
    def write(settings):
        path = tmp_path / 'iter_1.pth'
        torch.save(dict(meta=dict(cfg=Config(deepcopy(settings)).pretty_text)), path)
        return path

    return write


@pytest.fixture
def checkpoint(save_cfg):
    return save_cfg(SETTINGS)


def test_nothing_has_changed(checkpoint):
    cfg = Config(deepcopy(SETTINGS))
    cfg.work_dir = 'second'
    cfg.optim_wrapper.optimizer.betas = [0.5, 0.9]
    assert changed_settings(checkpoint, cfg) == []


def test_names_what_has(checkpoint):
    cfg = Config(deepcopy(SETTINGS))
    cfg.model.freeze_initial = False
    cfg.model.initial.init_cfg = None
    cfg.model.rounds = 3
    cfg.optim_wrapper.optimizer.lr = 0.2
    assert changed_settings(checkpoint, cfg) == [
        'model.freeze_initial: True then, False now',
        'model.initial.init_cfg: nothing then, None now',
        "model.initial.init_cfg.checkpoint: 'a.pth' then, nothing now",
        'model.rounds: nothing then, 3 now',
        'optim_wrapper.optimizer.lr: 0.1 then, 0.2 now',
    ]


def test_names_data_length_and_hooks_that_have_changed(save_cfg):
    hooks = [dict(type='FeedbackHook', ramp=100), dict(type='EMAHook')]
    then = dict(
        custom_hooks=hooks,
        train_cfg=dict(max_iters=400),
        train_dataloader=dict(batch_size=8, dataset=dict(pipeline=[dict(type='A', size=1)])),
        param_scheduler=[dict(type='LinearLR', end=1), dict(type='LinearLR', end=400)],
    )
    now = Config(deepcopy(then))
    now.custom_hooks = [dict(type='New'), dict(hooks[0], ramp=20)]
    now.train_cfg.max_iters = 200
    now.train_dataloader.dataset.pipeline[0].size = 2
    now.param_scheduler[1].end = 200
    assert changed_settings(save_cfg(then), now) == [
        "custom_hooks.EMAHook.type: 'EMAHook' then, nothing now",
        'custom_hooks.FeedbackHook.ramp: 100 then, 20 now',
        "custom_hooks.New.type: nothing then, 'New' now",
        'param_scheduler.LinearLR#2.end: 400 then, 200 now',
        'train_cfg.max_iters: 400 then, 200 now',
        'train_dataloader.dataset.pipeline.A.size: 1 then, 2 now',
    ]


@pytest.mark.parametrize(
    ('then', 'now'),
    [(1, 1.0), (2.0, 2), ((1, 0.5), [1.0, 0.5]), ([dict(a=1, b=(3,))], [dict(a=1.0, b=[3.0])])],
)
def test_one_value_written_in_two_ways_has_not_changed(save_cfg, then, now):
    assert (
        changed_settings(save_cfg(dict(model=dict(a=then))), Config(dict(model=dict(a=now)))) == []
    )


@pytest.mark.parametrize(('then', 'now'), [(1, True), (1, 1.5), (1, '1'), (False, 0)])
def test_values_that_only_look_alike_have_changed(save_cfg, then, now):
    lines = changed_settings(save_cfg(dict(model=dict(a=then))), Config(dict(model=dict(a=now))))
    assert lines == [f'model.a: {then!r} then, {now!r} now']


@pytest.mark.parametrize(
    'settings',
    [
        dict(model=dict(limit=float('inf'))),
        dict(model=dict(folder=Path('a'))),
        dict(optim_wrapper={'paramwise_cfg': {'custom_keys': {'a.b': dict(lr_mult=0.1)}}}),
        dict(custom_imports=dict(imports=['no_such_module_xyz'])),
    ],
)
def test_settings_that_mmengine_writes_as_no_python_are_compared_too(save_cfg, settings):
    then = Config(deepcopy(settings))
    then.merge_from_dict({'optim_wrapper.lr': 0.1})
    now = Config(deepcopy(then.to_dict()))
    now.merge_from_dict({'optim_wrapper.lr': 0.2})
    told = changed_settings(save_cfg(then.to_dict()), now)
    assert told == ['optim_wrapper.lr: 0.1 then, 0.2 now']


@pytest.mark.parametrize(
    ('text', 'line'),
    [
        ('{marker}\nmodel = dict(a=1)', 'model.a: 1 then, 2 now'),
        ('model = dict(a={marker})', 'model.a: '),
        ('model = dict(a=[1, {marker}][0])', 'model.a: '),
        ('model = dict({marker})', 'the settings of the run could not be read: '),
        ('model = {marker', 'the settings of the run could not be read: SyntaxError'),
    ],
)
def test_what_the_text_of_a_config_says_is_not_run(tmp_path, text, line):
    marker = tmp_path / 'marker'
    text = text.replace('{marker}', f"open({str(marker)!r}, 'w').write('x')")
    torch.save(dict(meta=dict(cfg=text)), tmp_path / 'x.pth')
    (told,) = changed_settings(tmp_path / 'x.pth', Config(dict(model=dict(a=2))))
    assert told.startswith(line)
    assert not marker.exists()


@pytest.mark.parametrize('state', [dict(), dict(meta=dict(iter=1))])
def test_a_checkpoint_without_a_config_tells_nothing(tmp_path, state):
    torch.save(state, tmp_path / 'x.pth')
    assert changed_settings(tmp_path / 'x.pth', Config(deepcopy(SETTINGS))) == []
