"""The process itself; what it measures is tested with ``speed``."""

import logging

from mmengine.config import Config
from mmengine.registry import init_default_scope

from fbinpaint_mm.benchmark.data.pairs import ImageHolePairs
from fbinpaint_mm.benchmark.entry import Entry
from fbinpaint_mm.benchmark.speed.measure_speed import measure_speed


def test_a_process_measures_one_entry(repository, tmp_path, monkeypatch):
    init_default_scope('mmagic')
    batch = ImageHolePairs(
        Config.fromfile(repository / 'tests/test_benchmark/small_config.py'), 'small.py'
    ).first_batch()
    cfg = Config(dict(model=dict(type='ClassicalInpaintor', method='mean_colour')))
    monkeypatch.chdir(tmp_path)
    logger = logging.getLogger('test_speed_worker')
    numbers = measure_speed(Entry('m', 'mean_colour', cfg=cfg), batch, tmp_path, 'cpu', logger, 1.0)
    assert numbers['seconds_per_image'] > 0
    assert 0 <= numbers['peak_memory'] < 2**30
    assert sorted(path.name for path in tmp_path.iterdir()) == [
        'batch.pth',
        'config.py',
        'log.txt',
        'numbers.json',
        'settings.json',
    ]
