import json
import re

import numpy as np
import pytest
from PIL import Image

from fbinpaint_mm.apis.folder_inpainting import (
    FolderInpainter,
    GeneratedMask,
    Job,
    MaskFromAlpha,
    MaskFromColor,
    MaskFromFile,
    Settings,
)
from fbinpaint_mm.apis.picture import read_picture
from tests.test_apis.test_folder_inpainting.fake_inpainter import FakeInpainter

HOLE = np.zeros((16, 24), bool)
HOLE[4:12, 6:18] = True


@pytest.fixture
def fake():
    return FakeInpainter()


@pytest.fixture
def job(save_image):
    """Makes a picture of noise, its mask, and the job of both."""

    def make(name='a.png', output=None, pixels=None, **options):
        mask = save_image(f'masks/{name}.png', HOLE.astype(np.uint8) * 255)
        return Job(save_image(f'in/{name}', pixels, **options), output or name, mask)

    return make


@pytest.fixture
def run(fake, tmp_path):
    """Runs jobs into ``out`` as a new process would; only what is named differs."""

    def start(*jobs, source=None, model='model', build=lambda: None, overwrite=False, **settings):
        def make():
            build()
            return fake

        inpainter = FolderInpainter(
            make,
            model,
            source or MaskFromFile(),
            Settings(**settings),
            tmp_path / 'out',
            overwrite,
        )
        return inpainter.run(jobs)

    return start


def pixels_of(path):
    return read_picture(path, 'image').pixels


def files_below(folder):
    return sorted(p.relative_to(folder).as_posix() for p in folder.rglob('*') if p.is_file())


@pytest.mark.parametrize('output', ['a.png', 'x/y/a.webp'])
@pytest.mark.parametrize('channels', [3, 4])
def test_known_pixels_are_identical_in_lossless_files(run, job, noise, tmp_path, output, channels):
    one = job(output=output, pixels=noise(16, 24, channels))
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


def test_an_image_that_lies_on_its_side_is_upright_in_the_result(run, job, noise, tmp_path):
    exif = Image.Exif()
    exif[0x0112] = 6
    one = job(pixels=noise(24, 16, 3), exif=exif)
    assert run(one).failed == []
    result = Image.open(tmp_path / 'out/a.png')
    assert result.size == (24, 16)
    assert 0x0112 not in result.getexif()
    stored = np.asarray(Image.open(one.image))
    assert np.array_equal(np.asarray(result)[~HOLE], np.rot90(stored, -1)[~HOLE])


def test_all_that_is_asked_for_is_written(run, job, tmp_path):
    settings = dict(save_maps=True, save_rounds=True, side_by_side=True, rounds=2)
    assert run(job('a.jpg', 'x/a.jpg'), **settings).failed == []
    out = tmp_path / 'out'
    assert files_below(out) == [
        'manifest.jsonl',
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
    summary = run(job(), save_maps=True, save_rounds=True, rounds=0)
    assert [note.split(':')[0] for note in summary.notes] == ['the result has no semantic map']
    assert files_below(tmp_path / 'out') == ['a.png', 'manifest.jsonl', 'rounds/a_round0.png']


def test_settings_reach_the_model(run, job, fake):
    settings = dict(rounds=3, tolerance=0.1, max_side=20)
    run(job(), **settings)
    assert fake.calls == [dict(shape=(16, 24, 3), **settings)]


def test_a_generated_mask_is_saved_and_comes_back(run, job, tmp_path):
    source = GeneratedMask('irregular', area=(0.2, 0.4))
    one = job()
    run(one, source=source)
    saved = np.asarray(Image.open(tmp_path / 'out/masks/a.png'))
    hole = source.hole(one, read_picture(one.image, 'image'))
    assert np.array_equal(saved, hole * np.uint8(255))
    first = pixels_of(tmp_path / 'out/a.png')
    run(Job(one.image, 'again.png', tmp_path / 'out/masks/a.png'))
    assert np.array_equal(pixels_of(tmp_path / 'out/again.png'), first)


def test_a_transparent_hole_is_opaque_in_the_result(run, job, noise, tmp_path):
    pixels = noise(16, 24, 4)
    pixels[..., 3] = np.where(HOLE, 0, 255)
    assert run(job(pixels=pixels), source=MaskFromAlpha()).failed == []
    result = pixels_of(tmp_path / 'out/a.png')
    assert result.shape == (16, 24, 3)
    assert np.array_equal(result[~HOLE], pixels[~HOLE][:, :3])
    assert (result[HOLE] == 70).all()


def test_a_dilated_hole_is_larger_in_all_directions(run, job, tmp_path):
    pixels = np.zeros((16, 24, 3), np.uint8)
    pixels[8, 12] = (255, 0, 255)
    run(job(pixels=pixels), source=MaskFromColor((255, 0, 255)), dilation=2)
    mask = np.asarray(Image.open(tmp_path / 'out/masks/a.png')) > 0
    rows, columns = np.nonzero(mask)
    assert (rows.min(), rows.max(), columns.min(), columns.max()) == (6, 10, 10, 14)
    assert np.array_equal(mask, (pixels_of(tmp_path / 'out/a.png') == 70).all(-1))


def test_what_is_finished_is_left_and_the_model_is_not_even_built(run, job, tmp_path):
    jobs = [job('a.png'), job('b.png')]
    run(*jobs, side_by_side=True)
    before = {path: path.stat().st_mtime_ns for path in (tmp_path / 'out').rglob('*')}

    def refuse():
        raise AssertionError('the model was built')

    summary = run(*jobs, side_by_side=True, build=refuse)
    assert (summary.inpainted, summary.finished_before) == (0, 2)
    assert '2 finished earlier and left as they are' in str(summary)
    assert {path: path.stat().st_mtime_ns for path in (tmp_path / 'out').rglob('*')} == before


def change_mask(one):
    Image.fromarray(np.roll(HOLE, 2, 0).astype(np.uint8) * 255).save(one.mask)


def change_image(one):
    Image.fromarray(np.full((16, 24, 3), 1, np.uint8)).save(one.image)


@pytest.mark.parametrize(
    ('options', 'change'),
    [
        (dict(model='other weights'), None),
        (dict(rounds=2), None),
        (dict(tolerance=0.5), None),
        (dict(max_side=20), None),
        (dict(save_maps=True), None),
        (dict(quality=50), None),
        (dict(source=GeneratedMask()), None),
        (dict(overwrite=True), None),
        ({}, change_mask),
        ({}, change_image),
        ({}, lambda one: (one.image.parents[1] / 'out/a.png').unlink()),
    ],
)
def test_results_of_other_inputs_or_settings_are_made_again(run, job, options, change):
    one = job()
    run(one)
    if change is not None:
        change(one)
    summary = run(one, **options)
    assert (summary.inpainted, summary.finished_before) == (1, 0)


def test_what_other_settings_left_beside_a_result_is_removed(run, job, tmp_path):
    one = job()
    run(one, save_rounds=True, rounds=2)
    run(one, save_rounds=True, rounds=1)
    assert files_below(tmp_path / 'out/rounds') == ['a_round0.png', 'a_round1.png']


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
        (text, 'is not an image that Pillow knows'),
        (size, 'mask: found size 16x24 .* expected that of the image, 3x5'),
        (gone, 'No such file or directory'),
    ):
        (line,) = [line for line in lines if str(one.image) in line]
        assert re.match(f'FAILED {re.escape(str(one))}: .*{message}', line)
    assert [name for name in files_below(tmp_path / 'out') if 'json' not in name] == [
        'a.png',
        'b.png',
    ]


def test_a_failed_picture_is_tried_again(run, job):
    one = job()
    whole = one.image.read_bytes()
    one.image.write_bytes(whole[:50])
    assert len(run(one).failed) == 1
    one.image.write_bytes(whole)
    assert run(one).inpainted == 1


def test_an_error_without_words_is_told_by_its_type(run, job, fake, monkeypatch):
    monkeypatch.setattr(fake, 'inpaint', lambda *args, **options: [].pop())
    ((_, message),) = run(job()).failed
    assert message == 'IndexError: pop from empty list'


def test_a_model_that_cannot_be_built_ends_the_run(run, job):
    def refuse():
        raise ValueError('checkpoint of another config')

    with pytest.raises(ValueError, match='the model cannot be built: checkpoint of another config'):
        run(job(), build=refuse)


def test_what_torch_says_of_a_missing_device_is_told(run, job):
    def refuse():
        raise AssertionError('Torch not compiled with CUDA enabled')

    message = 'the model cannot be built: AssertionError: Torch not compiled with CUDA'
    with pytest.raises(ValueError, match=message):
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
    assert files_below(tmp_path / 'out') == ['a.png', 'manifest.jsonl']
    summary = run(*jobs)
    assert (summary.inpainted, summary.finished_before) == (2, 1)
    assert files_below(tmp_path / 'out') == ['a.png', 'b.png', 'c.png', 'manifest.jsonl']


def test_a_result_whose_last_line_is_missing_is_made_again(run, job, tmp_path):
    """As an interruption leaves it between the last file and the line of the manifest."""
    one, manifest = job(), tmp_path / 'out/manifest.jsonl'
    run(one)
    first, last = manifest.read_text().splitlines()
    manifest.write_text(first + '\n')
    assert run(one).inpainted == 1
    assert manifest.read_text().splitlines() == [first, last]
    assert json.loads(last)['output'] == 'a.png'


def test_a_file_that_is_no_result_is_not_overwritten(run, job, save_image):
    one, other = job(), save_image('out/a.png')
    before = other.read_bytes()
    ((_, message),) = run(one).failed
    assert message.startswith(f'{other} exists and was not made by this tool')
    assert other.read_bytes() == before
    assert run(one, overwrite=True).inpainted == 1
    assert other.read_bytes() != before


def test_notes_of_the_model_reach_the_summary(run, job, save_image):
    one = job()
    save_image('masks/a.png.png', np.zeros((16, 24), np.uint8))
    summary = run(one)
    assert summary.notes == {'the mask is empty': [one]}
    assert f'note ({one.image}): the mask is empty' in str(summary)
