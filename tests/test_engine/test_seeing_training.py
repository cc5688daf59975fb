"""What a user sees of a real, small training: the hooks that show it, together."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from fbinpaint_mm.engine import ClassMemoryHook, CorrectionReportHook, FeedbackVisualizationHook


@pytest.fixture
def trained(small_run, tmp_path):
    """A run of three iterations with a validation at its end."""
    runner = small_run(tmp_path, 3)
    pictures = FeedbackVisualizationHook(max_samples=1, train_interval=None)
    for hook in (pictures, ClassMemoryHook(), CorrectionReportHook()):
        runner.register_hook(hook)
    runner.train()
    return runner


def test_pictures_scalars_and_table_are_there_at_the_validation(trained):
    folder = Path(trained.log_dir)
    pictures = sorted(path.name for path in folder.glob('vis_data/vis_image/*.png'))
    assert pictures[:2] == ['class_memory_cosines_3.png', 'class_memory_map_3.png']
    assert pictures[2].endswith('_iter_3.png')
    assert pictures[3:] == ['training_labeled_1_3.png', 'training_unlabeled_1_3.png']

    lines = (folder / 'vis_data/scalars.json').read_text().splitlines()
    last = [record for record in map(json.loads, lines) if record['step'] == 3]
    found = {key: value for record in last for key, value in record.items()}
    assert found['class_memory/seen'] == int(trained.model.class_memory.seen.sum()) > 0
    for kind in ('mended', 'spoiled'):
        of_classes = [key for key in found if key.endswith(f'/round2/{kind}')]
        assert f'correction/round2/{kind}' in of_classes
        assert len(of_classes) > 1
        assert all(0 <= found[key] <= 100 for key in of_classes)

    log = next(folder.glob('*.log')).read_text()
    assert "Correction of the segmentor's own map in the hole (iteration 3" in log
    assert '| all classes |' in log
    assert log.strip().splitlines()[-1].endswith(pictures[2]), 'a picture of the validation'
