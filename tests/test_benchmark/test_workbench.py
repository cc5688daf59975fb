import logging

from tqdm import tqdm

from fbinpaint_mm.benchmark.workbench import LOGGER_NAME, open_log


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
