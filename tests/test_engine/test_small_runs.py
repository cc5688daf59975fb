"""Real, small trainings: what the hooks do together."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import torch
from mmagic.registry import DATASETS, MODELS
from mmengine.config import Config
from mmengine.dataset import pseudo_collate
from mmengine.hooks import Hook
from mmengine.registry import DefaultScope
from mmengine.runner import load_checkpoint

from fbinpaint_mm.engine import ClassMemoryHook, CorrectionReportHook, FeedbackVisualizationHook


def predict(model, batch, rounds=2):
    model.eval()
    data = model.data_preprocessor(batch, False)
    with torch.no_grad():
        return [sample.output for sample in model(**data, mode='predict', rounds=rounds)]


@pytest.fixture(scope='module')
def trained(small_run, tmp_path_factory):
    """A run of three iterations with a validation at its end."""
    runner = small_run(tmp_path_factory.mktemp('trained'), 3)
    pictures = FeedbackVisualizationHook(max_samples=1, train_interval=None)
    for hook in (pictures, ClassMemoryHook(), CorrectionReportHook()):
        runner.register_hook(hook)
    runner.train()
    return runner


def test_linked_by_hook_and_without_a_runner_predict_the_same(trained):
    loop = trained.model.loop
    assert loop.link.attached
    assert loop.feedback.projections[0].weight.any(), 'untrained feedback proves nothing'
    assert loop.strength > 0
    work_dir = Path(trained.work_dir)
    cfg = Config.fromfile(next(work_dir.glob('*.py')))
    model = MODELS.build(cfg.model)
    assert not model.loop.link.attached
    load_checkpoint(model, str(work_dir / 'iter_3.pth'), map_location='cpu', strict=True)
    with DefaultScope.overwrite_default_scope('mmagic'):
        dataset = DATASETS.build(cfg.val_dataloader.dataset)
    batch = pseudo_collate([dataset[index] for index in range(2)])

    by_hook, by_itself = predict(trained.model, batch, 3), predict(model, batch, 3)
    for one, other in zip(by_hook, by_itself, strict=True):
        for name in ('round_imgs', 'round_segs', 'round_confidences', 'pred_img', 'fake_res'):
            assert torch.equal(one.get(name), other.get(name)), name

    model.set_feedback(strength=0, rounds=2)
    unlinked = predict(model, batch, 3)
    assert any(
        not torch.equal(one.round_imgs, other.round_imgs)
        for one, other in zip(by_hook, unlinked, strict=True)
    ), 'the feedback has no effect, so the comparison proves nothing'


def test_pictures_scalars_and_table_are_there_at_the_validation(trained):
    folder = Path(trained.log_dir)
    pictures = sorted(path.name for path in folder.glob('vis_data/vis_image/*.png'))
    assert pictures[:2] == ['class_memory_cosines_3.png', 'class_memory_map_3.png']
    assert pictures[2].endswith('_iter_3.png')
    assert len(pictures) == 5
    assert all(name.startswith('training_') for name in pictures[3:])

    lines = (folder / 'vis_data/scalars.json').read_text().splitlines()
    last = [record for record in map(json.loads, lines) if record['step'] == 3]
    found = {key: value for record in last for key, value in record.items()}
    assert found['class_memory/seen'] == int(trained.model.class_memory.seen.sum()) > 0
    for kind in ('mended', 'spoiled'):
        of_classes = [key for key in found if key.endswith(f'/round2/{kind}')]
        assert f'val/correction/round2/{kind}' in of_classes
        assert len(of_classes) > 1
        assert all(0 <= found[key] <= 100 for key in of_classes)

    log = next(folder.glob('*.log')).read_text()
    assert "Correction of the segmentor's own map in the hole (iteration 3" in log
    assert '| all classes |' in log
    assert log.strip().splitlines()[-1].endswith(pictures[2]), 'a picture of the validation'


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
