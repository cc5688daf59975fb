from __future__ import annotations

import logging
import os
import re

import pytest
import torch
from mmengine.config import Config

from fbinpaint_mm.cli import launch as cli_launch


@pytest.fixture
def launch():
    return cli_launch


@pytest.fixture
def gpu(monkeypatch):
    monkeypatch.setattr('mmengine.device.get_device', lambda: 'cuda')


# ---------------------------------------------------------------------------------- files


def test_a_config_is_found_by_its_name(launch, repository):
    expected = str(repository / 'configs/fbinpaint_demo.py')
    assert launch.find_config('fbinpaint_demo') == expected
    assert launch.find_config(expected) == expected
    assert launch.find_config('one_way_demo').endswith('ablations/one_way_demo.py')
    with pytest.raises(FileNotFoundError, match=r'Did you mean: .*fbinpaint_demo\.py'):
        launch.find_config('fbinpaint_dmo')


def test_missing_config_is_named_with_close_names(launch, tmp_path, monkeypatch):
    monkeypatch.setattr(launch, 'CONFIGS', tmp_path)
    monkeypatch.chdir(tmp_path)
    (tmp_path / '_base_').mkdir()
    for name in ('fbinpaint_demo.py', 'unrelated.py', '_base_/fbinpaint_demos.py'):
        (tmp_path / name).touch()
    with pytest.raises(FileNotFoundError) as error:
        launch.check_config_file('configs/fbinpaint_dmo.py')
    assert str(error.value) == (
        "config file 'configs/fbinpaint_dmo.py' does not exist. Did you mean: fbinpaint_demo.py"
    )


def test_missing_config_without_a_close_name_lists_all(launch, tmp_path, monkeypatch):
    monkeypatch.setattr(launch, 'CONFIGS', tmp_path)
    for name in ('a_config.py', 'b_config.py'):
        (tmp_path / name).touch()
    with pytest.raises(FileNotFoundError, match=r'Available are: .*a_config\.py, .*b_config\.py$'):
        launch.check_config_file('xyz.py')


def test_missing_config_with_none_to_offer(launch, tmp_path, monkeypatch):
    monkeypatch.setattr(launch, 'CONFIGS', tmp_path)
    with pytest.raises(FileNotFoundError, match=r"^config file 'xyz\.py' does not exist$"):
        launch.check_config_file('xyz.py')


def test_missing_checkpoint_is_named_with_those_beside_it(launch, tmp_path):
    (tmp_path / 'iter_10.pth').touch()
    launch.check_checkpoint(str(tmp_path / 'iter_10.pth'))
    with pytest.raises(
        FileNotFoundError, match=r'does not exist\. In that folder are: iter_10\.pth'
    ):
        launch.check_checkpoint(str(tmp_path / 'iter_20.pth'))


def test_address_of_a_checkpoint_is_left_to_mmengine(launch):
    launch.check_checkpoint('https://example.org/iter_10.pth')


def test_a_place_that_is_not_writable_is_named(launch, tmp_path, monkeypatch):
    file = tmp_path / 'scores.json'
    file.touch()
    launch.check_output_file(file)
    monkeypatch.setattr(os, 'access', lambda path, mode: path != file)
    with pytest.raises(PermissionError, match=rf'--out .{file}. is not writable'):
        launch.check_output_file(file)
    monkeypatch.setattr(os, 'access', lambda path, mode: False)
    with pytest.raises(PermissionError, match=rf'--out .{tmp_path}. is not writable'):
        launch.check_writable(tmp_path)


# --------------------------------------------------------------------------------- resume


def test_work_dir_command_line_before_config_before_name(launch):
    cfg = Config()
    launch.set_work_dir(cfg, None, 'configs/ablations/one_way.py')
    assert cfg.work_dir == 'work_dirs/one_way'
    launch.set_work_dir(cfg, None, 'configs/other.py')
    assert cfg.work_dir == 'work_dirs/one_way'
    launch.set_work_dir(cfg, 'elsewhere', 'configs/other.py')
    assert cfg.work_dir == 'elsewhere'


@pytest.fixture
def messages(launch, monkeypatch):
    seen = []
    monkeypatch.setattr(
        launch, 'print_log', lambda text, logger, level=logging.INFO: seen.append(text)
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


def test_without_resume_the_config_decides(launch, messages, tmp_path):
    cfg = Config(dict(work_dir=str(tmp_path), load_from='other.pth', resume=True))
    launch.set_resume(cfg, None)
    assert (cfg.load_from, cfg.resume, messages) == ('other.pth', True, [])


def test_resume_takes_the_newest_checkpoint_and_says_so(launch, messages, tmp_path, save):
    newest = save('iter_20.pth')
    (tmp_path / 'last_checkpoint').write_text(str(newest))
    cfg = Config(dict(work_dir=str(tmp_path), load_from='pretrained.pth'))
    launch.set_resume(cfg, launch.AUTO)
    assert (cfg.load_from, cfg.resume) == (str(newest), True)
    assert messages == [f'--resume: continuing from {newest}.']


def test_resume_warns_of_settings_of_the_model_that_have_changed(launch, messages, tmp_path):
    then = Config(dict(model=dict(freeze_initial=True), work_dir='elsewhere'))
    meta = dict(iter=1, cfg=then.pretty_text)
    torch.save(dict(meta=meta, state_dict={}, message_hub={}), tmp_path / 'iter_20.pth')
    cfg = Config(dict(model=dict(freeze_initial=False), work_dir=str(tmp_path)))
    launch.set_resume(cfg, launch.AUTO)
    assert messages[1:] == ['--resume: model.freeze_initial: True then, False now.']


def test_resume_works_in_a_folder_that_was_moved(launch, tmp_path, save):
    save('iter_20.pth')
    (tmp_path / 'last_checkpoint').write_text('/not/there/any/more/iter_20.pth')
    assert launch.find_newest_checkpoint(tmp_path) == tmp_path / 'iter_20.pth'


def test_resume_finds_a_checkpoint_kept_elsewhere(launch, tmp_path, save):
    kept = save('elsewhere.pth')
    work_dir = tmp_path / 'run'
    work_dir.mkdir()
    (work_dir / 'last_checkpoint').write_text(str(kept))
    assert launch.find_newest_checkpoint(work_dir) == kept


@pytest.mark.parametrize('record', [None, '', 'deleted.pth'])
def test_resume_survives_a_lost_record(launch, tmp_path, save, record):
    for name in ('iter_5.pth', 'iter_20.pth', 'iter_100.pth', 'best_PSNR_iter_100.pth'):
        save(name)
    if record is not None:
        (tmp_path / 'last_checkpoint').write_text(record)
    assert launch.find_newest_checkpoint(tmp_path) == tmp_path / 'iter_100.pth'


@pytest.mark.parametrize('share', [0.0, 0.001, 0.5, 0.99, 1.0])
def test_resume_passes_over_a_checkpoint_that_was_cut_off(launch, messages, tmp_path, save, share):
    older, newest = save('iter_20.pth'), save('iter_100.pth')
    (tmp_path / 'last_checkpoint').write_text(str(newest))
    data = newest.read_bytes()
    newest.write_bytes(data[: round(share * (len(data) - 1))])
    assert launch.find_newest_checkpoint(tmp_path) == older
    assert len(messages) == 1
    assert messages[0].startswith(f'--resume: {newest} is passed over: it is cut off')


def test_resume_passes_over_a_damaged_checkpoint(launch, messages, tmp_path, save):
    older, newest = save('iter_20.pth'), save('iter_100.pth')
    data = bytearray(newest.read_bytes())
    data[len(data) // 2] ^= 1
    newest.write_bytes(data)
    assert launch.find_newest_checkpoint(tmp_path) == older
    assert messages == [
        f"--resume: {newest} is passed over: its part 'iter_100/data/0' is damaged."
    ]


def test_resume_passes_over_mere_weights(launch, messages, tmp_path, save):
    older, newest = save('iter_20.pth'), tmp_path / 'iter_100.pth'
    torch.save(dict(state_dict={}), newest)
    assert launch.find_newest_checkpoint(tmp_path) == older
    assert 'no training state (no meta, message_hub)' in messages[0]


def test_a_checkpoint_younger_than_the_record_is_the_newest(launch, tmp_path, save):
    """The process was killed between the two; but a longer run's older files do not count."""
    save('iter_900.pth', seconds=100), save('iter_20.pth', seconds=200)
    record = tmp_path / 'last_checkpoint'
    record.write_text(str(tmp_path / 'iter_20.pth'))
    os.utime(record, (300, 300))
    assert launch.find_newest_checkpoint(tmp_path).name == 'iter_20.pth'
    save('iter_40.pth', seconds=400)
    assert launch.find_newest_checkpoint(tmp_path).name == 'iter_40.pth'


def test_a_given_checkpoint_that_is_not_whole_is_refused(launch, tmp_path, save):
    given, beside = tmp_path / 'iter_100.pth', save('iter_20.pth')
    given.write_bytes(b'PK')
    cfg = Config(dict(work_dir=str(tmp_path)))
    with pytest.raises(ValueError, match=r'cannot continue from .*iter_100') as error:
        launch.set_resume(cfg, str(given))
    assert str(error.value).endswith(f'The newest whole one beside it is {beside}.')
    launch.set_resume(cfg, str(beside))
    assert (cfg.load_from, cfg.resume) == (str(beside), True)


def test_optimizer_of_a_part_that_is_switched_off_is_dropped(launch):
    wrappers = dict(constructor='Some', generator=dict(), disc=dict())
    cfg = Config(dict(model=dict(disc=None, generator=dict()), optim_wrapper=wrappers))
    launch.drop_idle_optimizers(cfg)
    assert set(cfg.optim_wrapper) == {'constructor', 'generator'}


@pytest.mark.parametrize('record', [None, 'deleted.pth'])
def test_resume_without_a_checkpoint_says_that_there_is_none(launch, messages, tmp_path, record):
    if record:
        (tmp_path / 'last_checkpoint').write_text(str(tmp_path / record))
    cfg = Config(dict(work_dir=str(tmp_path), load_from='pretrained.pth', resume=False))
    launch.set_resume(cfg, launch.AUTO)
    assert (cfg.load_from, cfg.resume) == ('pretrained.pth', False)
    assert messages == [
        f'--resume: no whole checkpoint in {tmp_path}, training starts from the beginning.'
    ]


# ------------------------------------------------------------------------------------ AMP


@pytest.mark.parametrize(
    ('device', 'dtype', 'message'),
    [
        ('cpu', 'float16', "no mixed precision in float16 on 'cpu'. Use --amp-dtype bfloat16."),
        ('mps', None, "no mixed precision in float16 on 'mps'. Leave the option out."),
        ('mps', 'bfloat16', "no mixed precision in bfloat16 on 'mps'. Leave the option out."),
    ],
)
def test_amp_that_a_device_does_not_have_is_refused(launch, monkeypatch, device, dtype, message):
    monkeypatch.setattr('mmengine.device.get_device', lambda: device)
    cfg = Config(dict(optim_wrapper=dict(optimizer=dict(type='Adam'))))
    with pytest.raises(ValueError, match=re.escape(message)):
        launch.enable_amp(cfg, dtype)


@pytest.mark.parametrize(('device', 'dtype'), [('cpu', None), ('cuda', 'bfloat16')])
def test_bfloat16_needs_no_scale_of_the_loss(launch, monkeypatch, device, dtype):
    monkeypatch.setattr('mmengine.device.get_device', lambda: device)
    scaled = dict(type='AmpOptimWrapper', loss_scale=8.0, dtype='float16')
    cfg = Config(dict(optim_wrapper=dict(optimizer=dict(type='Adam'), **scaled)))
    for _ in range(2):
        launch.enable_amp(cfg, dtype)
        assert cfg.optim_wrapper == dict(type='BFloat16OptimWrapper', optimizer=dict(type='Adam'))


@pytest.mark.usefixtures('gpu')
def test_amp_replaces_a_single_wrapper(launch):
    cfg = Config(dict(optim_wrapper=dict(optimizer=dict(type='Adam'), clip_grad=dict(max_norm=1))))
    launch.enable_amp(cfg)
    assert cfg.optim_wrapper == dict(
        type='AmpOptimWrapper',
        loss_scale='dynamic',
        optimizer=dict(type='Adam'),
        clip_grad=dict(max_norm=1),
    )


@pytest.mark.usefixtures('gpu')
def test_amp_replaces_wrappers_at_any_depth(launch):
    def wrapper(**kwargs):
        return dict(optimizer=dict(type='Adam'), **kwargs)

    cfg = Config(
        dict(
            optim_wrapper=dict(
                constructor='MultiOptimWrapperConstructor',
                generator=wrapper(type='OptimWrapper'),
                disc=wrapper(type='AmpOptimWrapper', loss_scale=8.0),
                parts=dict(segmentor=wrapper()),
            )
        )
    )
    launch.enable_amp(cfg)
    wrappers = cfg.optim_wrapper
    assert wrappers.constructor == 'MultiOptimWrapperConstructor'
    assert 'type' not in wrappers
    assert 'type' not in wrappers.parts
    assert wrappers.generator.type == wrappers.parts.segmentor.type == 'AmpOptimWrapper'
    assert wrappers.generator.loss_scale == 'dynamic'
    assert wrappers.disc == wrapper(type='AmpOptimWrapper', loss_scale=8.0)


@pytest.mark.usefixtures('gpu')
def test_amp_refuses_what_it_cannot_replace(launch):
    wrapper = dict(type='ApexOptimWrapper', optimizer=dict(type='Adam'))
    with pytest.raises(ValueError, match=r"optim_wrapper\.disc is of type 'ApexOptimWrapper'"):
        launch.enable_amp(Config(dict(optim_wrapper=dict(disc=wrapper))))
    with pytest.raises(ValueError, match='no optim_wrapper'):
        launch.enable_amp(Config())


# ---------------------------------------------------------------------------------- other


def test_auto_scale_lr_needs_a_base_batch_size(launch):
    with pytest.raises(ValueError, match='base_batch_size'):
        launch.enable_auto_scale_lr(Config())
    cfg = Config(dict(auto_scale_lr=dict(base_batch_size=16)))
    launch.enable_auto_scale_lr(cfg)
    assert cfg.auto_scale_lr == dict(base_batch_size=16, enable=True)


def test_runner_type_of_the_config_is_respected(launch):
    from mmengine.registry import RUNNERS

    class OwnRunner:
        @classmethod
        def from_cfg(cls, cfg):
            return 'own', cfg.work_dir

    RUNNERS.register_module(module=OwnRunner, name='OwnRunner', force=True)
    try:
        cfg = Config(dict(runner_type='OwnRunner', launcher='none', work_dir='here'))
        assert launch.build_runner(cfg) == ('own', 'here')
    finally:
        RUNNERS.module_dict.pop('OwnRunner')


def test_a_mistake_that_the_package_explains_ends_in_a_sentence(launch):
    from fbinpaint_mm.models.feedback import LayoutMemory

    message = r'^train\.py: LayoutMemory needs a capacity of at least 1'
    with pytest.raises(SystemExit, match=message), launch.errors_for_users('train.py'):
        LayoutMemory(3, capacity=0)


def test_so_does_one_in_a_part_of_a_model(launch):
    from mmagic.registry import MODELS

    layout = dict(type='LayoutMemory', num_classes=3, capacity=0)
    message = 'LayoutMemory needs a capacity of at least 1'
    with pytest.raises(SystemExit, match=message), launch.errors_for_users('train.py'):
        MODELS.build(dict(type='CrossImageRecorrection', layout=layout))


def test_so_does_a_file_that_is_not_there(launch):
    message = r"^test\.py: checkpoint 'no\.pth' does not exist"
    with pytest.raises(SystemExit, match=message), launch.errors_for_users('test.py'):
        launch.check_checkpoint('no.pth')


@pytest.mark.parametrize('error', [ValueError('of others'), RuntimeError('anything')])
def test_other_errors_keep_their_traceback(launch, error):
    with pytest.raises(type(error), match=str(error)), launch.errors_for_users('train.py'):
        raise error


def test_a_bug_of_the_package_keeps_its_traceback(launch):
    with pytest.raises(ValueError, match='invalid literal'), launch.errors_for_users('train.py'):
        launch.natural('many')
