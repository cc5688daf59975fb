import json

import pytest

from fbinpaint_mm.apis.folder_inpainting.manifest import MANIFEST, Manifest
from fbinpaint_mm.write_file import write_file


def finish(folder, fingerprint, files, output='a.png'):
    for name, content in files.items():
        write_file(folder / name, content)
    Manifest(folder).finish(output, fingerprint, files)


def test_a_result_is_finished_for_its_own_fingerprint(tmp_path):
    finish(tmp_path, 'f', {'a.png': b'image', 'maps/a.png': b'map'})
    assert Manifest(tmp_path).is_finished('a.png', 'f')
    assert not Manifest(tmp_path).is_finished('a.png', 'g')
    assert not Manifest(tmp_path).is_finished('b.png', 'f')


@pytest.mark.parametrize('name', ['a.png', 'maps/a.png'])
@pytest.mark.parametrize('damage', ['change', 'remove'])
def test_a_file_that_was_touched_since_makes_it_unfinished(tmp_path, name, damage):
    finish(tmp_path, 'f', {'a.png': b'image', 'maps/a.png': b'map'})
    if damage == 'change':
        (tmp_path / name).write_bytes(b'other')
    else:
        (tmp_path / name).unlink()
    assert not Manifest(tmp_path).is_finished('a.png', 'f')


def test_the_last_line_counts_and_what_it_no_longer_has_is_removed(tmp_path):
    finish(tmp_path, 'f', {'a.png': b'image', 'rounds/a_round2.png': b'round'})
    finish(tmp_path, 'g', {'a.png': b'new'})
    assert not (tmp_path / 'rounds/a_round2.png').exists()
    assert (tmp_path / 'a.png').read_bytes() == b'new'
    assert Manifest(tmp_path).is_finished('a.png', 'g')
    assert not Manifest(tmp_path).is_finished('a.png', 'f')


def test_a_line_that_was_cut_off_does_not_count_nor_spoil_the_next(tmp_path):
    finish(tmp_path, 'f', {'a.png': b'image'})
    with (tmp_path / MANIFEST).open('a') as file:
        file.write(json.dumps(dict(output='b.png', fingerprint='f'))[:-5])
    finish(tmp_path, 'f', {'c.png': b'third'}, output='c.png')
    manifest = Manifest(tmp_path)
    assert manifest.is_finished('a.png', 'f')
    assert not manifest.is_finished('b.png', 'f')
    assert manifest.is_finished('c.png', 'f')


def test_only_our_own_files_may_be_overwritten(tmp_path):
    (tmp_path / 'a.png').write_bytes(b'of the user')
    with pytest.raises(FileExistsError, match=r'a\.png exists and was not made by this tool'):
        Manifest(tmp_path).claim('a.png', ['a.png'], overwrite=False)
    Manifest(tmp_path).claim('b.png', ['b.png'], overwrite=False)
    (tmp_path / 'b.png').write_bytes(b'cut')  # by an interruption
    Manifest(tmp_path).claim('b.png', ['b.png'], overwrite=False)
    assert not Manifest(tmp_path).is_finished('b.png', 'f')
    Manifest(tmp_path).claim('a.png', ['a.png'], overwrite=True)
    Manifest(tmp_path).claim('a.png', ['a.png'], overwrite=False)


def test_a_user_s_file_among_the_maps_is_not_overwritten_either(tmp_path):
    finish(tmp_path, 'f', {'a.png': b'image'})
    write_file(tmp_path / 'maps/a.png', b'of the user')
    names = ['a.png', 'maps/a.png']
    with pytest.raises(FileExistsError, match=r'maps/a\.png exists and was not made by this tool'):
        Manifest(tmp_path).claim('a.png', names, overwrite=False)
    assert Manifest(tmp_path).is_finished('a.png', 'f')
    Manifest(tmp_path).claim('a.png', names, overwrite=True)
    assert not Manifest(tmp_path).is_finished('a.png', 'f')


def test_two_formats_of_a_picture_share_its_map(tmp_path):
    finish(tmp_path, 'f', {'a.png': b'image', 'maps/a.png': b'map'})
    Manifest(tmp_path).claim('a.jpg', ['a.jpg', 'maps/a.png'], overwrite=False)
    finish(tmp_path, 'f', {'a.jpg': b'image', 'maps/a.png': b'map'}, output='a.jpg')
    finish(tmp_path, 'g', {'a.png': b'image'})
    assert Manifest(tmp_path).is_finished('a.jpg', 'f')
