import os
import re
from functools import partial

import numpy as np
import pytest
from PIL import Image

from fbinpaint_mm.apis.folder_inpainting import (
    FolderInpainter,
    Job,
    OutputFiles,
    generated_mask,
    mask_from_alpha,
    mask_from_color,
    mask_from_file,
)
from fbinpaint_mm.apis.folder_inpainting.source_record import RECORD
from fbinpaint_mm.picture import read_picture
from fbinpaint_mm.user_error import UserError
from tests.test_apis.test_folder_inpainting.fake_inpainter import FakeInpainter

HOLE = np.zeros((16, 24), bool)
HOLE[4:12, 6:18] = True


@pytest.fixture
def fake():
    return FakeInpainter()


@pytest.fixture
def job(save_image):
    """Makes a picture of make_picture, its mask, and the job of both."""

    def make(name='a.png', output=None, pixels=None, **options):
        mask = save_image(f'masks/{name}.png', HOLE.astype(np.uint8) * 255)
        return Job(save_image(f'in/{name}', pixels, **options), output or name, mask)

    return make


@pytest.fixture
def run(fake, tmp_path):
    """Runs jobs into ``out`` as a new process would; only what is named differs."""

    def start(*jobs, source=mask_from_file, build=lambda: None, files=None, **options):
        def make():
            build()
            return fake

        outputs = OutputFiles(**(files or {}))
        return FolderInpainter(make, source, tmp_path / 'out', outputs, **options).run(jobs)

    return start


def pixels_of(path):
    return read_picture(path, 'image').pixels


def files_below(folder):
    found = sorted(p.relative_to(folder).as_posix() for p in folder.rglob('*') if p.is_file())
    return [name for name in found if name != RECORD]


@pytest.mark.parametrize('output', ['a.png', 'x/y/a.webp'])
@pytest.mark.parametrize('channels', [3, 4])
def test_known_pixels_are_identical_in_lossless_files(
    run, job, make_picture, tmp_path, output, channels
):
    one = job(output=output, pixels=make_picture((16, 24, channels)))
    summary = run(one)
    assert (summary.inpainted, summary.failed, summary.notes) == (1, [], {})
    before, after = pixels_of(one.image), pixels_of(tmp_path / 'out' / output)
    assert np.array_equal(after[~HOLE], before[~HOLE])
    assert (after[HOLE][:, :3] == 70).all()
    assert np.array_equal(after[..., 3:], before[..., 3:])


def test_the_loss_of_a_jpeg_is_told_once_for_all(run, job):
    first = job('a.jpg')
    summary = run(first, job('b.jpg'), job('c.png'))
    (note,) = summary.notes
    assert 'known pixels change a little' in note
    assert f'note (2 of them, first {first.image}): {note}' in str(summary)


def test_the_result_of_a_jpeg_is_lossless_and_the_user_is_told(run, job, tmp_path):
    one = job('a.jpg', 'a.png')
    summary = run(one)
    (note,) = summary.notes
    assert note.startswith('known pixels of a JPEG stay as they are in a PNG; --format keep')
    assert np.array_equal(pixels_of(tmp_path / 'out/a.png')[~HOLE], pixels_of(one.image)[~HOLE])


def test_all_that_is_asked_for_is_written(run, job, tmp_path):
    files = dict(maps=True, rounds=True, side_by_side=True)
    summary = run(job('a.jpg', 'x/a.jpg'), files=files, options=dict(rounds=2))
    assert summary.failed == []
    out = tmp_path / 'out'
    assert files_below(out) == [
        'maps/x/a.png',
        'rounds/x/a_round0.jpg',
        'rounds/x/a_round1.jpg',
        'rounds/x/a_round1_map.png',
        'rounds/x/a_round2.jpg',
        'rounds/x/a_round2_map.png',
        'side_by_side/x/a.png',
        'x/a.jpg',
    ]
    assert np.array_equal(np.asarray(Image.open(out / 'maps/x/a.png')), HOLE)
    shades = [
        pixels_of(out / f'rounds/x/a_round{index}.jpg')[6:10, 10:14].mean() for index in range(3)
    ]
    assert shades == pytest.approx([50, 70, 90], abs=3)
    assert (out / 'rounds/x/a_round2.jpg').read_bytes() == (out / 'x/a.jpg').read_bytes()


def test_without_a_map_the_user_is_told(run, job, tmp_path):
    summary = run(job(), files=dict(maps=True, rounds=True), options=dict(rounds=0))
    assert [note.split(':')[0] for note in summary.notes] == ['the result has no semantic map']
    assert files_below(tmp_path / 'out') == ['a.png', 'rounds/a_round0.png']


def test_settings_reach_the_model(run, job, fake):
    settings = dict(rounds=3, max_side=20)
    run(job(), options=settings)
    assert fake.calls == [dict(shape=(16, 24, 3), **settings)]


def test_a_generated_mask_is_saved_and_comes_back(run, job, tmp_path):
    source = partial(generated_mask, kind='irregular', area=(0.2, 0.4))
    one = job()
    run(one, source=source, files=dict(masks=True))
    saved = np.asarray(Image.open(tmp_path / 'out/masks/a.png'))
    hole = source(one, read_picture(one.image, 'image'))
    assert np.array_equal(saved, hole * np.uint8(255))
    first = pixels_of(tmp_path / 'out/a.png')
    run(Job(one.image, 'again.png', tmp_path / 'out/masks/a.png'))
    assert np.array_equal(pixels_of(tmp_path / 'out/again.png'), first)


def test_a_transparent_hole_is_opaque_in_the_result(run, job, make_picture, tmp_path):
    pixels = make_picture((16, 24, 4))
    pixels[..., 3] = np.where(HOLE, 0, 255)
    files = dict(drop_alpha=True)
    assert run(job(pixels=pixels), source=mask_from_alpha, files=files).failed == []
    result = pixels_of(tmp_path / 'out/a.png')
    assert result.shape == (16, 24, 3)
    assert np.array_equal(result[~HOLE], pixels[~HOLE][:, :3])
    assert (result[HOLE] == 70).all()


def test_a_dilated_hole_is_saved_as_it_was_used(run, job, tmp_path):
    pixels = np.zeros((16, 24, 3), np.uint8)
    pixels[8, 12] = (255, 0, 255)
    source = partial(mask_from_color, color=(255, 0, 255))
    run(job(pixels=pixels), source=source, dilation=2, files=dict(masks=True))
    mask = np.asarray(Image.open(tmp_path / 'out/masks/a.png')) > 0
    assert mask.sum() > 1
    assert np.array_equal(mask, (pixels_of(tmp_path / 'out/a.png') == 70).all(-1))


def age(path, seconds):
    """Makes a file older."""
    date = path.stat().st_mtime - seconds
    os.utime(path, (date, date))


def test_what_is_finished_is_left_and_the_model_is_not_even_built(run, job, tmp_path):
    jobs, files = [job('a.png'), job('b.png')], dict(side_by_side=True, rounds=True)
    run(*jobs, files=files)
    before = {path: path.stat().st_mtime_ns for path in (tmp_path / 'out').rglob('*')}

    def refuse():
        raise AssertionError('the model was built')

    summary = run(*jobs, files=files, build=refuse)
    assert (summary.inpainted, summary.finished_before) == (0, 2)
    assert '2 finished earlier (--overwrite makes them again)' in str(summary)
    assert {path: path.stat().st_mtime_ns for path in (tmp_path / 'out').rglob('*')} == before


@pytest.mark.parametrize('newer', ['image', 'mask', 'checkpoint'])
def test_a_result_that_is_older_than_its_sources_is_made_again(run, job, tmp_path, newer):
    one, checkpoint = job(), tmp_path / 'x.pth'
    checkpoint.touch()
    run(one, checkpoint=checkpoint)
    assert run(one, checkpoint=checkpoint).finished_before == 1
    age(tmp_path / 'out/a.png', -10)
    assert run(one, checkpoint=checkpoint).finished_before == 1
    age(dict(image=one.image, mask=one.mask, checkpoint=checkpoint)[newer], -20)
    assert run(one, checkpoint=checkpoint).inpainted == 1


def test_a_result_of_other_settings_is_made_again(run, job):
    one = job()
    run(one, settings='box')
    assert run(one, settings='box').finished_before == 1
    assert run(one, settings='irregular').inpainted == 1
    assert run(one, settings='irregular').finished_before == 1


def test_a_picture_that_was_moved_there_is_new_whatever_its_date(run, job, tmp_path):
    run(job('a.png'))
    moved = job('b.png')
    age(moved.image, 1000)
    age(moved.mask, 1000)
    moved = Job(moved.image.rename(tmp_path / 'in/a.png'), 'a.png', moved.mask)
    assert run(moved).inpainted == 1


def test_a_result_of_another_picture_is_not_replaced_unless_it_is_asked_for(run, job, tmp_path):
    first, second = job('a.jpg', 'a.png'), job('a.png')
    run(first)
    before = (tmp_path / 'out/a.png').read_bytes()
    message = r'out/a\.png is the result of another picture, a\.jpg, not of .*in/a\.png; give an'
    for date in (-1000, 1000):
        age(second.image, date)
        with pytest.raises(UserError, match=message):
            run(second)
    assert (tmp_path / 'out/a.png').read_bytes() == before
    assert run(second, overwrite=True).inpainted == 1
    assert run(second).finished_before == 1
    with pytest.raises(UserError, match=r'another picture, a\.png, not of .*in/a\.jpg;'):
        run(first)


def test_pictures_of_one_name_from_two_folders_are_told_apart(run, job, make_picture, tmp_path):
    first, second = job('x/a.png', 'a.png'), job('y/a.png', 'a.png', make_picture((16, 24)))
    run(first)
    age(tmp_path / 'out/a.png', -10)
    with pytest.raises(UserError, match=r'another picture, a\.png, not of .*in/y/a\.png;'):
        run(second)
    moved = tmp_path / 'moved.png'
    first.image.rename(moved)
    moved.parent.joinpath('z').mkdir()
    moved = moved.rename(tmp_path / 'z/a.png')
    assert run(Job(moved, 'a.png', first.mask)).finished_before == 1


def test_what_is_asked_for_and_missing_is_made(run, job, tmp_path):
    one = job()
    run(one)
    assert run(one, files=dict(maps=True)).inpainted == 1
    assert run(one, files=dict(maps=True)).finished_before == 1
    (tmp_path / 'out/a.png').unlink()
    assert run(one).inpainted == 1
    assert run(one, overwrite=True).inpainted == 1


def test_a_link_is_no_result_and_is_not_written_through(run, job, tmp_path):
    thesis, result = tmp_path / 'thesis.png', tmp_path / 'out/a.png'
    thesis.write_text('precious')
    result.parent.mkdir()
    result.symlink_to(thesis)
    one = job()
    age(thesis, -10)
    assert run(one).inpainted == 1
    assert thesis.read_text() == 'precious'
    assert not result.is_symlink()


@pytest.mark.parametrize('name', ['x/a.png', '../other/a.png', 'y/../../other/a.png'])
def test_results_lie_in_their_folder_only(run, job, tmp_path, name):
    (tmp_path / 'out').mkdir()
    (tmp_path / 'out/x').symlink_to(tmp_path)
    with pytest.raises(UserError, match=r'would lie in .*, outside of .*out; remove the link, or'):
        run(job(output=name))
    assert not (tmp_path / 'other').exists()


def test_nothing_in_the_folder_of_results_is_removed(run, job, tmp_path):
    one, files = job(), dict(rounds=True)
    run(one, files=files, options=dict(rounds=2))
    run(one, files=files, options=dict(rounds=1), overwrite=True)
    assert files_below(tmp_path / 'out/rounds') == [f'a_round{index}.png' for index in range(3)]


def test_two_pictures_with_one_result_are_refused(run, job, tmp_path):
    message = r'in/a\.png and .*in/b\.png would both write .*out/c\.png; rename one'
    with pytest.raises(UserError, match=message):
        run(job('a.png', 'c.png'), job('b.png', 'c.png'))
    pictures = job('a.png'), job('a.jpg')
    with pytest.raises(UserError, match=r'would both write .*out/maps/a\.png'):
        run(*pictures, files=dict(maps=True))
    assert not (tmp_path / 'out').exists()
    assert run(*pictures).inpainted == 2


@pytest.mark.parametrize(
    ('name', 'files'), [('in/a.png', {}), ('masks/a.png.png', {}), ('x.png', dict(masks=True))]
)
def test_an_input_is_never_overwritten(run, job, tmp_path, name, files):
    one = job()
    given = Job(one.image, f'../{name}', one.mask)
    if files:  # the result may be written there, its mask may not
        given = Job(one.image, 'a.png.png', tmp_path / 'out/masks/a.png.png')
    with pytest.raises(UserError, match=r'would overwrite the input .*png; give another folder'):
        run(given, files=files)


@pytest.mark.parametrize('name', ['x_round1.png', 'x_round12_map.png'])
def test_no_round_overwrites_an_input(run, job, save_image, name):
    one, files = job('x.png'), dict(rounds=True, maps=True)
    given = Job(save_image(f'out/rounds/{name}'), 'other.png', one.mask)
    with pytest.raises(UserError, match=f'in/x.png would overwrite the input .*rounds/{name};'):
        run(one, given, files=files)
    assert run(one, given).inpainted == 2


@pytest.mark.parametrize('name', ['rounds/a_round1.png', 'rounds/a_round2_map.png'])
@pytest.mark.parametrize('turn', [1, -1])
def test_no_round_of_a_picture_is_the_result_of_another(run, job, tmp_path, name, turn):
    pictures = [job('a.png'), job(name)][::turn]
    with pytest.raises(UserError, match=f'would both write .*out/{name}; rename one'):
        run(*pictures, files=dict(rounds=True, maps=True))
    assert run(*pictures).inpainted == 2


def test_pictures_named_as_rounds_have_rounds(run, job):
    pictures = job('rounds/a_round0.png'), job('rounds/a_round1.png'), job('a_round1.png')
    assert run(*pictures, files=dict(rounds=True)).inpainted == 3


def test_errors_are_listed_and_the_rest_is_done(run, job, save_image, tmp_path):
    whole = save_image('whole.jpg').read_bytes()
    cut, text, size = (
        job('cut.jpg'),
        job('text.png'),
        job('size.png', pixels=np.zeros((3, 5), np.uint8)),
    )
    cut.image.write_bytes(whole[: len(whole) // 2])
    text.image.write_text('no picture')
    gone = Job(tmp_path / 'in/gone.png', 'gone.png', cut.mask)
    summary = run(cut, job('a.png'), text, size, gone, job('b.png'))
    assert (summary.inpainted, len(summary.failed)) == (2, 4)
    lines = str(summary).splitlines()
    assert lines[0] == f'2 inpainted, 4 failed; results in {tmp_path / "out"}'
    for one, message in (
        (cut, 'cannot be decoded: '),
        (text, 'is no image of a known format'),
        (size, 'mask: found size 16x24 .* expected that of the image, 3x5'),
        (gone, 'image: there is no file'),
    ):
        (line,) = [line for line in lines if str(one.image) in line]
        assert re.match(f'FAILED {re.escape(str(one))}: .*{message}', line)
    assert files_below(tmp_path / 'out') == ['a.png', 'b.png']


def test_names_of_files_do_nothing_to_the_terminal(run, job, capsys):
    names = ['a\x1b[31m.jpg', 'b\n.jpg', 'c\udcff.jpg', 'd\u732b.jpg']
    jobs = [job(name) for name in names]
    jobs[2].image.write_text('no picture')
    summary = run(*jobs)
    assert summary.inpainted == 3
    lines = str(summary).encode().decode().splitlines()
    assert len(lines) == 3
    assert '\\x1b[31m.jpg): lossy format' in lines[1]
    assert 'in/c\\udcff.jpg (mask' in lines[2]
    bar = capsys.readouterr().err
    assert '\x1b[31m' not in bar
    assert 'd\u732b.jpg' in bar


def test_an_error_without_words_is_told_by_its_type(run, job, fake, monkeypatch):
    monkeypatch.setattr(fake, 'inpaint', lambda *args, **options: [].pop())
    ((_, message),) = run(job()).failed
    assert message == 'IndexError: pop from empty list'


@pytest.mark.parametrize('kind', [UserError, AssertionError])
def test_a_model_that_cannot_be_built_ends_the_run(run, job, kind):
    """A mistake of the user as much as a bug; which of them it is the tool tells apart."""

    def refuse():
        raise kind('checkpoint of another config')

    with pytest.raises(kind, match=r'^checkpoint of another config$'):
        run(job(), build=refuse)


def test_after_an_interruption_the_same_run_goes_on(run, job, fake, monkeypatch, tmp_path):
    jobs = [job(f'{name}.png') for name in 'abc']
    inpaint, count = fake.inpaint, iter(range(9))

    def interrupted(*args, **options):
        if next(count) == 1:
            raise KeyboardInterrupt
        return inpaint(*args, **options)

    monkeypatch.setattr(fake, 'inpaint', interrupted)
    summary = run(*jobs)
    assert summary.is_interrupted
    assert 'interrupted; the same command goes on from here' in str(summary)
    assert files_below(tmp_path / 'out') == ['a.png']
    summary = run(*jobs)
    assert (summary.inpainted, summary.finished_before) == (2, 1)
    assert files_below(tmp_path / 'out') == ['a.png', 'b.png', 'c.png']


def test_notes_of_the_model_reach_the_summary(run, job, save_image):
    one = job()
    save_image('masks/a.png.png', np.zeros((16, 24), np.uint8))
    summary = run(one)
    hint = 'of a mask in 0..255, pixels above 127 are the hole'
    assert summary.notes == {'the mask is empty': [one], hint: [one]}
    no_pixel_has_it = partial(mask_from_color, color=(1, 2, 3))
    given = Job(one.image, 'b.png')
    assert run(given, source=no_pixel_has_it).notes == {'the mask is empty': [given]}
    assert f'note ({one.image}): the mask is empty' in str(summary)
