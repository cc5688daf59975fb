"""What a training saves is read as data everywhere; what could run a program, nowhere."""

from __future__ import annotations

import re

import pytest
import torch

from fbinpaint_mm.apis import FeedbackInpainter
from fbinpaint_mm.benchmark.fresh_process import call_in_process
from fbinpaint_mm.cli.export import export_checkpoint
from fbinpaint_mm.cli.publishing import publish
from fbinpaint_mm.cli.running import run_test, run_training
from fbinpaint_mm.safe_loading import UntrustedCheckpointError, read_checkpoint, trusting, trusts
from fbinpaint_mm.user_error import UserError

OPTIONS = {
    'default_hooks.checkpoint.interval': 1,
    'default_hooks.checkpoint.rule': 'greater',
    'train_cfg.max_iters': 2,
    'train_cfg.val_interval': 2,
}


class Opens:
    """Opens a file for writing when it is unpickled."""

    def __init__(self, path):
        self.path = str(path)

    def __reduce__(self):
        return open, (self.path, 'w')


@pytest.fixture(scope='module')
def config(repository):
    return str(repository / 'tests/test_benchmark/small_config.py')


@pytest.fixture(scope='module')
def trained(config, tmp_path_factory):
    """The work directory of a training of two iterations, with everything that it saves."""
    folder = tmp_path_factory.mktemp('run')
    run_training(config, str(folder), OPTIONS)
    return folder


@pytest.fixture
def hostile(trained, tmp_path):
    """The checkpoint of the training, with a call among its contents."""
    content = read_checkpoint(trained / 'iter_2.pth')
    torch.save(dict(content, more=Opens(tmp_path / 'marker')), tmp_path / 'hostile.pth')
    return str(tmp_path / 'hostile.pth')


def test_a_training_is_tested_resumed_and_published_without_trust(config, trained, tmp_path):
    checkpoint = str(trained / 'iter_2.pth')
    run_test(config, checkpoint, work_dir=str(tmp_path / 'test'), cfg_options=OPTIONS)
    run_training(config, str(trained), OPTIONS | {'train_cfg.max_iters': 3}, resume='auto')
    assert read_checkpoint(trained / 'iter_3.pth')['meta']['iter'] == 3
    publish(config, str(trained / 'iter_3.pth'), tmp_path)
    (published,) = tmp_path.glob('*.pth')
    FeedbackInpainter(config, published, device='cpu')


TOOLS = {
    'test': lambda config, path, out: run_test(config, path, None, str(out), OPTIONS),
    'resume': lambda config, path, out: run_training(config, str(out), OPTIONS, resume=path),
    'load_from': lambda config, path, out: run_training(
        config, str(out), OPTIONS | {'load_from': path}
    ),
    'backbone': lambda config, path, out: run_training(
        config,
        str(out),
        OPTIONS
        | {
            'model.generator.segmentor.backbone.init_cfg.type': 'Pretrained',
            'model.generator.segmentor.backbone.init_cfg.checkpoint': path,
        },
    ),
    'publish': lambda config, path, out: publish(config, path, out),
    'export': lambda config, path, out: export_checkpoint(config, path, str(out), {}, 1, (32, 32)),
    'API': lambda config, path, out: FeedbackInpainter(config, path, 'cpu'),
}


@pytest.mark.parametrize('use', TOOLS.values(), ids=TOOLS)
def test_a_hostile_checkpoint_is_refused_in_one_line(use, config, hostile, tmp_path, capsys):
    with pytest.raises((UserError, SystemExit)) as refused:
        use(config, hostile, tmp_path / 'out')
    message = capsys.readouterr().err if refused.type is SystemExit else str(refused.value)
    (line,) = [line for line in message.splitlines() if "calls 'io.open'" in line]
    assert re.search(r'hostile\.pth.*--trust-checkpoint \(in Python trust=True\)$', line)
    assert not (tmp_path / 'marker').exists()


def test_a_work_directory_is_not_resumed_from_an_older_checkpoint(
    config, hostile, trained, tmp_path, capsys
):
    """Nor from the beginning: a word is missing, not a checkpoint."""
    torch.save(torch.load(trained / 'iter_1.pth', weights_only=False), tmp_path / 'iter_1.pth')
    (tmp_path / 'hostile.pth').rename(tmp_path / 'iter_2.pth')
    with pytest.raises(SystemExit):
        run_training(config, str(tmp_path), OPTIONS, resume='auto')
    assert "iter_2.pth' calls 'io.open'" in capsys.readouterr().err


def test_a_trusted_checkpoint_is_used(config, hostile, tmp_path):
    with pytest.raises(UntrustedCheckpointError):
        FeedbackInpainter(config, hostile, 'cpu')
    FeedbackInpainter(config, hostile, 'cpu', trust=True)
    assert (tmp_path / 'marker').exists()
    publish(config, hostile, tmp_path / 'out', trust_checkpoint=True)
    (published,) = (tmp_path / 'out').glob('*.pth')
    assert set(read_checkpoint(published)) == {'state_dict', 'meta'}


def test_a_process_of_the_benchmark_trusts_what_its_parent_does(tmp_path):
    with trusting(True):
        assert call_in_process(trusts, log=tmp_path / 'log', device='cpu')
