import subprocess
from datetime import datetime

import torch

from fbinpaint_mm.benchmark import environment
from fbinpaint_mm.benchmark.environment import cpu_name, describe_environment, git_commit
from fbinpaint_mm.version import __version__


def test_what_ran_where():
    facts = describe_environment(['python', 'tools/benchmark.py', 'two words=telea'], 'cpu')
    assert facts['command'] == "python tools/benchmark.py 'two words=telea'"
    assert facts['fbinpaint_mm'] == __version__
    assert facts['torch'] == torch.__version__
    assert facts['device'] == 'cpu'
    assert facts['threads'] == torch.get_num_threads()
    assert facts['cpu']
    assert datetime.fromisoformat(facts['date']).tzinfo is not None


def test_the_processor_has_a_name_even_where_the_system_does_not_say(monkeypatch, tmp_path):
    info = tmp_path / 'cpuinfo'
    monkeypatch.setattr(environment, 'CPU_INFO', info)
    assert cpu_name()
    info.write_text('processor : 0\nmodel name\t: Fast CPU: 9000\nmodel name : other\n')
    assert cpu_name() == 'Fast CPU: 9000'


def test_the_commit_says_whether_files_differ_from_it(tmp_path):
    def git(*arguments):
        identity = ['-c', 'user.name=a', '-c', 'user.email=a@b']
        subprocess.run(
            ['git', *identity, *arguments], cwd=tmp_path, check=True, capture_output=True
        )

    assert git_commit(tmp_path) is None
    git('init')
    (tmp_path / 'file').write_text('1')
    git('add', 'file')
    git('commit', '-m', 'first')
    commit = git_commit(tmp_path)
    assert len(commit) == 12
    (tmp_path / 'file').write_text('2')
    assert git_commit(tmp_path) == f'{commit}+changes'
    assert git_commit(tmp_path / 'folder') is None
