from pathlib import Path

import pytest

from fbinpaint_mm.apis.folder_inpainting import Job, find_images, list_jobs
from fbinpaint_mm.user_error import UserError


def names(found):
    return sorted(found.values())


def test_a_folder_gives_its_images_and_recursively_those_of_its_subfolders(touch):
    folder = touch('in/b.JPG', 'in/a.png', 'in/notes.txt', 'in/.hidden.png', 'in/sub/c.webp')
    found = find_images([str(folder / 'in')])
    assert found == {folder / 'in/a.png': 'a.png', folder / 'in/b.JPG': 'b.JPG'}
    assert names(find_images([str(folder / 'in')], recursive=True)) == [
        'a.png',
        'b.JPG',
        'sub/c.webp',
    ]


def test_a_file_is_taken_whatever_its_suffix(touch):
    path = touch('scan.dat') / 'scan.dat'
    assert find_images([str(path)]) == {path: 'scan.dat'}


def test_a_folder_may_be_named_like_a_glob(touch):
    folder = touch('in[1]/a.png') / 'in[1]'
    assert find_images([str(folder)]) == {folder / 'a.png': 'a.png'}


def test_a_glob_keeps_the_folders_behind_its_first_wildcard(touch, monkeypatch):
    folder = touch('in/x/a.png', 'in/y/deep/a.png', 'in/y/readme.md')
    for pattern in (f'{folder}/in/**/*', './in/**/*'):
        monkeypatch.chdir(folder)
        assert names(find_images([pattern])) == ['x/a.png', 'y/deep/a.png']


@pytest.mark.parametrize('text', ['in', 'in/**', 'in/**/*.png', 'i*/**/x/*'])
def test_links_in_a_circle_end_and_hidden_folders_are_left_out(touch, monkeypatch, text):
    folder = touch('in/x/a.png', 'in/x/.ipynb_checkpoints/a.png', 'in/x/._b.png', 'is_a_file')
    for name in ('1', '2'):
        (folder / 'in' / name).symlink_to(folder / 'in')
    monkeypatch.chdir(folder)
    name = 'in/x/a.png' if text.startswith('i*') else 'x/a.png'
    assert find_images([text], recursive=True) == {Path('in/x/a.png'): name}


def test_a_link_whose_target_is_gone_is_not_passed_over(touch):
    folder = touch('in/a.png') / 'in'
    (folder / 'b.png').symlink_to('gone.png')
    for text in (folder, folder / '*.png'):
        assert names(find_images([str(text)])) == ['a.png', 'b.png']


def test_a_file_that_is_given_twice_counts_once(touch):
    folder = touch('in/a.png', 'in/b.png')
    inputs = [str(folder / 'in/b.png'), str(folder / 'in'), str(folder / 'in/../in/a.png')]
    assert names(find_images(inputs)) == ['a.png', 'b.png']


def test_earlier_results_inside_the_input_are_left_out(touch):
    folder = touch('in/a.png', 'in/out/a.png')
    found = find_images([str(folder / 'in')], True, excluded=[folder / 'in/out', folder / 'x'])
    assert names(found) == ['a.png']
    assert names(find_images([str(folder / 'in/out')], True, [folder / 'in/out'])) == ['a.png']
    with pytest.raises(FileNotFoundError, match=r'in. holds no image'):
        find_images([str(folder / 'in')], True, excluded=[folder / 'in/a.png', folder / 'in/out'])


@pytest.mark.parametrize(
    ('text', 'message'),
    [
        ('none.png', r'none\.png. does not exist; expected a file, a folder or a glob'),
        ('*.png', r'\*\.png. holds no image; expected files that end in .*tiff$'),
        ('empty', r'empty. holds no image.*--recursive'),
    ],
)
def test_an_input_without_images_is_refused(touch, text, message):
    folder = touch('empty/notes.txt')
    with pytest.raises(FileNotFoundError, match=message):
        find_images([str(folder / text)])


@pytest.mark.parametrize(
    ('name', 'form', 'output', 'written'),
    [
        ('x/a.jpg', 'lossless', 'x/a.png', 'png'),
        ('a.JPEG', 'lossless', 'a.png', 'png'),
        ('a.PNG', 'lossless', 'a.PNG', 'png'),
        ('a.webp', 'lossless', 'a.webp', 'webp'),
        ('a.tif', 'lossless', 'a.png', 'png'),
        ('x/a.jpg', 'keep', 'x/a.jpg', 'jpg'),
        ('a.JPEG', 'keep', 'a.JPEG', 'jpg'),
        ('a.tif', 'keep', 'a.png', 'png'),
        ('a', 'keep', 'a.png', 'png'),
        ('a.jpeg', 'jpg', 'a.jpeg', 'jpg'),
        ('a.b.png', 'webp', 'a.b.webp', 'webp'),
    ],
)
def test_the_result_is_named_like_the_picture(name, form, output, written):
    (job,) = list_jobs({Path('in', name): name}, form)
    assert job == Job(Path('in', name), output)
    assert job.form == written


@pytest.mark.parametrize(
    ('form', 'expected'),
    [
        ('lossless', ['a.png', 'a.jpg.png', 'a.tif.png', 'a.webp', 'b.png', 'x/a.png']),
        ('keep', ['a.png', 'a.jpg', 'a.tif.png', 'a.webp', 'b.jpg', 'x/a.jpg']),
        ('webp', ['a.png.webp', 'a.jpg.webp', 'a.tif.webp', 'a.webp', 'b.webp', 'x/a.webp']),
    ],
)
def test_pictures_that_differ_by_their_suffix_have_results_of_their_own(form, expected):
    given = ['a.png', 'a.jpg', 'a.tif', 'a.webp', 'b.jpg', 'x/a.jpg']
    images = {Path('in', name): name for name in given}
    assert [job.output for job in list_jobs(images, form)] == expected
    masked = list_jobs(images, form, masks=Path(__file__))
    assert [job.output for job in masked] == expected
    assert len({job.stem for job in masked}) == len(given)


def test_masks_of_pictures_that_differ_by_their_suffix_are_found_again(touch):
    folder = touch('in/a.jpg', 'in/a.png', 'in/a.webp', 'in/b.png')
    jobs = list_jobs(find_images([str(folder / 'in')]))
    touch(*(f'masks/{job.stem}.png' for job in jobs))
    assert matched(folder) == {
        'a.jpg': 'a.jpg.png',
        'a.png': 'a.png.png',
        'a.webp': 'a.webp.png',
        'b.png': 'b.png',
    }


def test_one_mask_may_serve_all(touch):
    folder = touch('in/a.png', 'in/b.png', 'm.png')
    images = find_images([str(folder / 'in'), str(folder / 'm.png')])  # the mask among the pictures
    jobs = list_jobs(images, masks=folder / 'm.png')
    assert [(job.output, job.mask) for job in jobs] == [
        ('a.png', folder / 'm.png'),
        ('b.png', folder / 'm.png'),
    ]


def matched(folder, masks='masks', **options):
    """Names of pictures and their masks, below the folders."""
    found = find_images([str(folder / 'in')], recursive=True)
    jobs = list_jobs(found, masks=folder / masks, **options)
    return {found[job.image]: job.mask.relative_to(folder / masks).as_posix() for job in jobs}


@pytest.mark.parametrize('mask', ['x/a.png', 'x/a.JPG', 'x/a_mask.png', 'x/a_mask.bmp'])
def test_a_mask_is_named_like_its_picture(touch, mask):
    folder = touch('in/x/a.jpg', f'masks/{mask}', 'masks/x/ab.png', 'masks/a.png')
    assert matched(folder) == {'x/a.jpg': mask}


def test_pictures_and_masks_may_share_a_folder(touch):
    folder = touch('in/a.jpg', 'in/a_mask.png', 'in/b.png', 'in/b_mask.png', 'in/b.jpg')
    assert matched(folder, masks='in') == {
        'a.jpg': 'a_mask.png',
        'b.png': 'b_mask.png',
        'b.jpg': 'b_mask.png',
    }


def test_no_picture_is_its_own_mask(touch):
    with pytest.raises(FileNotFoundError, match=r'1 images have no mask of their name'):
        matched(touch('in/a.jpg'), masks='in')


def test_two_masks_of_one_picture_are_refused(touch):
    folder = touch('in/a.jpg', 'masks/a.bmp', 'masks/a.png')
    with pytest.raises(UserError, match=r'a\.jpg has several masks: .*a\.bmp, .*a\.png; keep one'):
        matched(folder)


def test_all_missing_masks_are_told_at_once_or_left_out(touch):
    folder = touch(*(f'in/{index:02}.png' for index in range(13)), 'masks/05.png')
    with pytest.raises(FileNotFoundError) as error:
        matched(folder)
    lines = str(error.value).splitlines()
    assert lines[0] == f'12 images have no mask of their name in {folder / "masks"}:'
    assert lines[1].strip() == str(folder / 'in/00.png')
    assert lines[-2:] == ['  ... and 2 more', 'Add them, or leave them out with --skip-missing']
    assert matched(folder, skip_missing=True) == {'05.png': '05.png'}
