from dataclasses import replace

import pytest
from mmengine.config import Config

from fbinpaint_mm.benchmark.entry import (
    check_trainings,
    missing_for_training,
    parse_entries,
    parse_entry,
)
from fbinpaint_mm.user_error import UserError


@pytest.mark.parametrize(
    ('text', 'name', 'source', 'checkpoint'),
    [
        ('configs/demo.py', 'demo', 'configs/demo.py', None),
        ('configs/demo.py:a/iter_5.pth', 'demo', 'configs/demo.py', 'a/iter_5.pth'),
        ('two rounds=demo.py:x.pth', 'two rounds', 'demo.py', 'x.pth'),
        ('demo.py:https://a.org/x.pth?v=1', 'demo', 'demo.py', 'https://a.org/x.pth?v=1'),
        ('data:1/demo.py:run:2/x.pth', 'demo', 'data:1/demo.py', 'run:2/x.pth'),
        ('runs/lr=1/demo.py', 'demo', 'runs/lr=1/demo.py', None),
        ('demo.yaml:x.pth', 'demo', 'demo.yaml', 'x.pth'),
        ('demo.py:a=1/x.pth', 'demo', 'demo.py', 'a=1/x.pth'),
        ('fbinpaint_demo:x.pth', 'fbinpaint_demo', 'fbinpaint_demo', 'x.pth'),
        ('telea', 'telea', 'telea', None),
        ('fast marching=telea', 'fast marching', 'telea', None),
        ('runs:1/ours_rounds2.onnx', 'ours_rounds2', 'runs:1/ours_rounds2.onnx', None),
    ],
)
def test_an_entry_is_name_config_and_checkpoint(text, name, source, checkpoint):
    entry = parse_entry(text)
    assert (entry.name, entry.source, entry.checkpoint) == (name, source, checkpoint)
    assert entry.is_classical == (source == 'telea')
    assert entry.onnx_file == (source if 'onnx' in source else None)
    assert entry.has_config == (source != 'telea' and not entry.onnx_file)
    assert entry.is_trained == (entry.has_config and checkpoint is None)


def test_a_folder_holds_results(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / 'runs/lama.v2').mkdir(parents=True)
    (tmp_path / 'telea').mkdir()
    assert parse_entry('telea').is_classical
    assert not parse_entry('telea').is_folder
    texts = ['runs/lama.v2/', 'lama=runs/lama.v2', f'x={tmp_path}/runs/lama.v2/']
    for text, name in zip(texts, ['lama.v2', 'lama', 'x'], strict=True):
        entry = parse_entry(text)
        assert entry.name == name
        assert entry.is_folder
        assert not any((entry.has_config, entry.is_trained, entry.is_classical))
    with pytest.raises(FileNotFoundError, match=r"entry 'a=no/': there is no folder 'no/'"):
        parse_entry('a=no/')
    with pytest.raises(UserError, match='does not learn and takes no checkpoint'):
        parse_entry('runs/lama.v2/:x.pth')


@pytest.mark.parametrize('text', ['', 'demo:'])
def test_what_is_no_entry_is_refused(text):
    with pytest.raises(UserError, match=r'is not of the form \[NAME=\]CONFIG\[:CHECKPOINT\]'):
        parse_entry(text)


@pytest.mark.parametrize('name', ['input', 'truth', '.hidden', 'a|b', ''])
def test_a_name_that_is_no_file_name_of_its_own_is_refused(name):
    with pytest.raises(UserError, match=r'cannot be called .* Write NAME=demo\.py'):
        parse_entry(f'{name}=demo.py')


@pytest.mark.parametrize('source', ['telea', 'migan.onnx'])
def test_what_does_not_learn_takes_no_checkpoint(source):
    with pytest.raises(UserError, match=f'{source} does not learn and takes no checkpoint'):
        parse_entry(f'{source}:x.pth')


def test_two_entries_of_one_name_are_told_how_to_differ():
    message = r"2 entries are called 'demo'.*: NAME1=a/demo\.py NAME2=b/demo\.py"
    with pytest.raises(UserError, match=message):
        parse_entries(['a/demo.py:x.pth', 'telea', 'b/demo.py:x.pth'])


def test_one_config_may_come_with_several_checkpoints():
    entries = parse_entries(['early=demo.py:a.pth', 'late=demo.py:b.pth'])
    assert [entry.checkpoint for entry in entries] == ['a.pth', 'b.pth']


def test_a_learned_entry_needs_a_checkpoint_or_training():
    entries = parse_entries(['telea', 'a/demo.py'])
    assert [entry.is_trained for entry in entries] == [False, True]
    with pytest.raises(UserError, match=r'write a/demo\.py:CHECKPOINT, .* --train ITERATIONS'):
        check_trainings(entries, trains=False)
    check_trainings(parse_entries(['telea', 'a/demo.py:x.pth']), trains=False)


def test_what_a_config_lacks_for_its_training_is_named():
    cfg = Config(dict(train_cfg=dict(max_iters=3), optim_wrapper=dict()))
    entries = [replace(parse_entries(['own.py'])[0], cfg=cfg)]
    with pytest.raises(UserError, match=r"entry 'own' .* own\.py has no train_dataloader"):
        check_trainings(entries, trains=True)
    cfg.train_dataloader = dict(batch_size=2)
    check_trainings(entries, trains=True)
    assert missing_for_training(cfg) == []
    assert len(missing_for_training(Config(dict(model=dict(type='ClassicalInpaintor'))))) == 3


def test_a_training_starts_from_files_that_exist(tmp_path, monkeypatch):
    path = tmp_path / 'initial.pth'
    settings = dict(train_dataloader={}, train_cfg={}, optim_wrapper={})
    parts = [dict(checkpoint=str(path)), dict(checkpoint='open-mmlab://resnet50_v1c')]
    cfg = Config(dict(settings, model=dict(parts=parts)))
    entries = [replace(parse_entries(['own.py'])[0], cfg=cfg)]
    message = f"entry 'own': the training of own.py starts from checkpoint '{path}'"
    with pytest.raises(FileNotFoundError, match=message):
        check_trainings(entries, trains=True)
    path.touch()
    check_trainings(entries, trains=True)
    monkeypatch.setenv('HOME', str(tmp_path))
    parts[0]['checkpoint'] = '~/initial.pth'
    check_trainings([replace(entries[0], cfg=Config(dict(cfg, model=parts[0])))], trains=True)
