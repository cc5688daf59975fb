import logging

import pytest
from mmengine.config import Config
from tqdm import tqdm

from fbinpaint_mm.benchmark.entry import Entry
from fbinpaint_mm.benchmark.workbench import LOGGER_NAME, Settings, Workbench, open_log


def test_lines_go_past_the_bar_and_into_the_file(tmp_path, capsys):
    path = tmp_path / 'new' / 'benchmark.log'
    before = list(logging.getLogger(LOGGER_NAME).handlers)
    for word in ('first', 'second'):
        with open_log(path) as logger, tqdm(total=2):
            logger.info('%s line', word)
    lines = path.read_text().splitlines()
    assert [line.partition(' INFO ')[2] for line in lines] == ['first line', 'second line']
    assert logger.handlers == before
    assert 'second line\n' in ''.join(capsys.readouterr())


def test_classes_are_shared_if_names_and_order_are_the_same(cfg, tmp_path):
    bench = Workbench([], cfg, 'x.py', Settings(tmp_path, 'a', 'cpu'), logging.getLogger('x'))
    names = list(bench.pairs.dataset.metainfo['classes'])
    for classes, shared in ((names, True), (names[::-1], False), (names[:-1], False)):
        dataset = dict(type='ProceduralScenesDataset', metainfo=dict(classes=classes))
        other = Config(dict(model={}, test_dataloader=dict(dataset=dataset)))
        assert bench.shares_classes(Entry('a', 'a.py', cfg=other)) == shared


@pytest.mark.parametrize(('number', 'shared'), [(10, True), (9, False), (None, True)])
def test_without_names_the_number_of_classes_counts(cfg, tmp_path, number, shared):
    bench = Workbench([], cfg, 'x.py', Settings(tmp_path, 'a', 'cpu'), logging.getLogger('x'))
    model = dict(data_preprocessor=None if number is None else dict(num_classes=number))
    assert bench.shares_classes(Entry('a', 'a.py', cfg=Config(dict(model=model)))) == shared
