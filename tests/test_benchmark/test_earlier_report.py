import json
import logging

import pytest

from fbinpaint_mm.benchmark.earlier_report import scored_entries, warn_of_left_out
from fbinpaint_mm.benchmark.entry import Entry


@pytest.fixture
def report(tmp_path):
    path = tmp_path / 'results.json'
    entries = dict(
        ours=dict(scores=dict(PSNR={})), telea=dict(scores=dict(PSNR={})), broken=dict(scores={})
    )
    path.write_text(json.dumps(dict(entries=entries)))
    return path


def test_finds_the_entries_with_scores(report):
    assert scored_entries(report) == ['ours', 'telea']


@pytest.mark.parametrize(
    'text', [None, '', '[]', '{}', '{"entries": [1]}', '{"entries": {"a": 1}}']
)
def test_a_report_that_is_absent_or_broken_has_none(tmp_path, text):
    path = tmp_path / 'results.json'
    if text is not None:
        path.write_text(text)
    assert scored_entries(path) == []


def test_entries_that_are_not_asked_for_are_named(report, caplog):
    logger = logging.getLogger('test_earlier_report')
    warn_of_left_out(report, [Entry('telea', 'telea'), Entry('new', 'new.py')], logger)
    (record,) = caplog.records
    assert record.levelno == logging.WARNING
    assert 'will be without ours of the earlier report' in record.getMessage()
    assert 'kept in entries/: name them again' in record.getMessage()
    warn_of_left_out(report, [Entry('telea', 'telea'), Entry('ours', 'ours.py')], logger)
    assert len(caplog.records) == 1
