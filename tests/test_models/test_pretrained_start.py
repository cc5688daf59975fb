"""A checkpoint to start from that is none says so, and for what it was meant."""

import pytest

from fbinpaint_mm.models.pretrained_start import entries_of_checkpoint


def test_a_file_that_is_no_checkpoint_is_named_with_its_part(tmp_path):
    path = tmp_path / 'notes.pth'
    path.write_text('hello, this is a text')
    with pytest.raises(ValueError, match=r"notes\.pth' cannot be read: .*start of the segmentor"):
        entries_of_checkpoint(str(path), '', 'the segmentor')


def test_a_file_that_is_absent_is_named_with_its_part():
    with pytest.raises(FileNotFoundError, match=r'/no/such\.pth.*start of the segmentor'):
        entries_of_checkpoint('/no/such.pth', '', 'the segmentor')
