from __future__ import annotations

import json
from types import SimpleNamespace

import numpy as np
import pytest
import torch

from fbinpaint_mm.evaluation import FinitePSNR


@pytest.fixture
def test_tool(load_tool):
    return load_tool('test')


@pytest.fixture
def files(tmp_path):
    config, checkpoint = tmp_path / 'small.py', tmp_path / 'best.pth'
    config.write_text("load_from = 'pretrained.pth'\nresume = True\n")
    checkpoint.touch()
    return str(config), str(checkpoint)


def test_checkpoint_replaces_what_the_config_would_load(test_tool, files):
    cfg = test_tool.build_config(test_tool.parse_args([*files]))
    assert (cfg.load_from, cfg.resume) == (files[1], False)
    assert cfg.work_dir == 'work_dirs/small'


def test_missing_checkpoint_ends_with_a_message(test_tool, files, capsys):
    with pytest.raises(SystemExit):
        test_tool.parse_args([files[0], files[1] + '.missing'])
    assert 'does not exist. In that folder are: best.pth' in capsys.readouterr().err


def test_unknown_format_of_the_scores_is_refused_at_once(test_tool, files, capsys):
    with pytest.raises(SystemExit):
        test_tool.parse_args([*files, '--out', 'scores.txt'])
    assert "--out 'scores.txt' should end with one of .json" in capsys.readouterr().err


def test_a_place_that_cannot_be_written_is_refused_at_once(test_tool, files, tmp_path, capsys):
    (tmp_path / 'folder.json').mkdir()
    for out, message in {
        f'{files[0]}/scores.json': 'cannot be made',
        f'{tmp_path}/folder.json': "folder.json' is a folder",
    }.items():
        with pytest.raises(SystemExit):
            test_tool.parse_args([*files, '--out', out])
        assert message in capsys.readouterr().err
    args = test_tool.parse_args([*files, '--out', f'{tmp_path}/new/scores.json'])
    assert (tmp_path / 'new').is_dir()
    assert not (tmp_path / 'new/scores.json').exists()
    assert args.out == f'{tmp_path}/new/scores.json'


def test_a_checkpoint_of_another_config_ends_in_one_line(test_tool, files, monkeypatch):
    torch.save(dict(state_dict={'weight': torch.ones(2)}), files[1])
    runner = SimpleNamespace(model=torch.nn.Linear(3, 1))
    monkeypatch.setattr(test_tool, 'build_runner', lambda cfg: runner)
    monkeypatch.setattr('sys.argv', ['test.py', *files])
    with pytest.raises(SystemExit, match=r'^test\.py: checkpoint .*best\.pth.* does not belong'):
        test_tool.main()


def test_scores_are_written_as_plain_numbers_with_their_protocol(test_tool, tmp_path):
    path = tmp_path / 'new' / 'scores.json'
    hook = test_tool.SaveScoresHook(str(path))
    scores = {'PSNR/round1': np.float32(24.5), 'mIoU/round1': torch.tensor(0.5), 'samples': 8}
    loop = SimpleNamespace(evaluator=SimpleNamespace(metrics=[FinitePSNR()]))
    hook.after_test_epoch(SimpleNamespace(rank=0, test_loop=loop), scores)
    stored = json.loads(path.read_text())
    assert stored['scores'] == {'PSNR/round1': 24.5, 'mIoU/round1': 0.5, 'samples': 8}
    assert stored['protocol'] == FinitePSNR().protocol()


def test_scores_are_written_by_the_first_process_only(test_tool, tmp_path):
    path = tmp_path / 'scores.json'
    test_tool.SaveScoresHook(str(path)).after_test_epoch(SimpleNamespace(rank=1), {'PSNR': 1.0})
    assert not path.exists()
