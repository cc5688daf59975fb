"""An inpaintor whose segmentor starts from a checkpoint of mmseg."""

import pytest
import torch
from mmengine.hooks import Hook


class Recorder(Hook):
    """Keeps the segmentors of student and teacher as the first iteration finds them."""

    def before_train_iter(self, runner, batch_idx, data_batch=None):
        if runner.iter == 0:
            model = runner.model
            self.found = [
                {name: value.clone() for name, value in module.state_dict().items()}
                for module in (model.loop.segmentor, model.teacher.segmentor)
            ]


@pytest.fixture
def checkpoint(small_run, tmp_path):
    """Plain names of mmseg, no number as it would be initialised, counters included."""
    segmentor = small_run(tmp_path / 'shapes', 1).model.loop.segmentor
    state = {
        name: torch.rand_like(value) + 0.5 if value.is_floating_point() else value + 41
        for name, value in segmentor.state_dict().items()
    }
    assert {name.partition('.')[0] for name in state} == {'backbone', 'decode_head'}
    torch.save(dict(state_dict=state), tmp_path / 'segmentor.pth')
    return tmp_path / 'segmentor.pth'


def test_student_and_teacher_start_from_it(small_run, tmp_path, checkpoint):
    init_cfg = dict(type='Pretrained', checkpoint=str(checkpoint))
    runner = small_run(tmp_path / 'run', 1, segmentor=dict(init_cfg=init_cfg))
    recorder = Recorder()
    runner.register_hook(recorder)
    runner.train()
    expected = torch.load(checkpoint, weights_only=True)['state_dict']
    for found in recorder.found:
        assert found.keys() == expected.keys()
        for name, value in expected.items():
            assert torch.equal(found[name], value), name
