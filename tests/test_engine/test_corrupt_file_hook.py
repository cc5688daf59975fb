from __future__ import annotations

import pytest
from torch.utils.data import ConcatDataset

import fbinpaint_mm.engine  # noqa: F401
from tests.test_engine.toy_run import ToyDataset, toy_runner


class LeakyDataset(ToyDataset):
    """Finds a corrupt sample whenever it is read for the third and the fifth time."""

    def __init__(self, name='leaky'):
        self.name = name
        self.reads = 0
        self.corrupt_indices = []

    def full_init(self):
        pass

    def get_data_info(self, index):
        return dict(gt_path=f'{self.name}/{index}.png')

    def __getitem__(self, index):
        self.reads += 1
        if self.reads in (3, 5):
            self.corrupt_indices.append(self.reads)
        return super().__getitem__(index)


@pytest.fixture
def warnings(monkeypatch):
    seen = []
    monkeypatch.setattr(
        'mmengine.logging.MMLogger.warning', lambda self, text, *a, **k: seen.append(text)
    )
    return seen


def run(tmp_path, dataset):
    hooks = [dict(type='CorruptFileHook')]
    runner = toy_runner(tmp_path, 5, custom_hooks=hooks, dataset=dataset)
    runner.train()
    return runner


def test_number_is_a_scalar_and_names_come_at_the_end(tmp_path, warnings):
    runner = run(tmp_path, LeakyDataset())
    # Two samples an iteration, validations after 2 and 4: the third read, the fifth read.
    assert runner.message_hub.get_scalar('train/data/corrupt').data[0].tolist() == [1, 2, 2]
    ours = [text for text in warnings if 'corrupt samples' in text]
    assert ours == ['2 corrupt samples were skipped in this training:\nleaky/3.png\nleaky/5.png']


def test_data_sets_inside_others_count(tmp_path, warnings):
    both = LeakyDataset('one'), LeakyDataset('two')
    both[0].corrupt_indices, both[1].corrupt_indices = [1], [1]
    for one in both:
        one.reads = 100
    run(tmp_path, ConcatDataset(both))
    assert '2 corrupt samples were skipped in this training:\none/1.png\ntwo/1.png' in warnings


def test_other_data_sets_are_left_alone(tmp_path, warnings):
    runner = run(tmp_path, ToyDataset())
    assert 'train/data/corrupt' not in runner.message_hub.log_scalars
    assert not [text for text in warnings if 'corrupt' in text]
