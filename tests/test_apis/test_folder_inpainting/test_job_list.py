import re
from pathlib import Path

import pytest

from fbinpaint_mm.apis.folder_inpainting.image_search import find_images
from fbinpaint_mm.apis.folder_inpainting.job import Job
from fbinpaint_mm.apis.folder_inpainting.job_list import (
    MissingFilesError,
    check_outputs,
    jobs_of_images,
    jobs_of_mask_files,
    jobs_of_pairs,
)
from fbinpaint_mm.apis.folder_inpainting.pair_list import Pair


@pytest.mark.parametrize(
    ('name', 'form', 'output'),
    [
        ('x/a.jpg', 'keep', 'x/a.jpg'),
        ('a.JPEG', 'keep', 'a.JPEG'),
        ('a.tif', 'keep', 'a.png'),
        ('a', 'keep', 'a.png'),
        ('a.jpeg', 'jpg', 'a.jpeg'),
        ('a.b.png', 'webp', 'a.b.webp'),
    ],
)
def test_the_result_is_named_like_the_picture(name, form, output):
    (job,) = jobs_of_images({Path('in', name): name}, form)
    assert job == Job(Path('in', name), output)


def test_one_mask_may_serve_all(touch):
    folder = touch('in/a.png', 'in/b.png', 'm.png')
    images = find_images([str(folder / 'in')], recursive=False)
    images[folder / 'm.png'] = 'm.png'  # as where the mask lies among the pictures
    jobs = jobs_of_mask_files(images, folder / 'm.png', 'keep')
    assert [(job.output, job.mask) for job in jobs] == [
        ('a.png', folder / 'm.png'),
        ('b.png', folder / 'm.png'),
    ]


def test_all_missing_masks_are_told_at_once_or_left_out(touch):
    names = [f'in/{index:02}.png' for index in range(13)]
    folder = touch(*names, 'masks/05.png')
    images = find_images([str(folder / 'in')], recursive=False)
    with pytest.raises(MissingFilesError) as error:
        jobs_of_mask_files(images, folder / 'masks', 'keep')
    lines = str(error.value).splitlines()
    assert lines[0] == f'12 images have no mask of their name in {folder / "masks"}:'
    assert lines[1].strip() == str(folder / 'in/00.png')
    assert lines[-2:] == ['  ... and 2 more', 'Add them, or leave them out with --skip-missing']
    (job,) = jobs_of_mask_files(images, folder / 'masks', 'keep', skip_missing=True)
    assert (job.output, job.mask) == ('05.png', folder / 'masks/05.png')


def test_missing_files_of_a_list_are_told_with_their_lines(touch):
    folder = touch('a.png', 'm.png')
    pairs = [
        Pair(folder / 'a.png', folder / 'm.png', 'a.png', 1),
        Pair(folder / 'b.png', folder / 'n.png', 'b.png', 4),
    ]
    message = rf'line 4: {re.escape(str(folder))}/b\.png\n  line 4: .*n\.png'
    with pytest.raises(MissingFilesError, match=message):
        jobs_of_pairs(pairs, 'keep')
    (job,) = jobs_of_pairs(pairs, 'keep', skip_missing=True)
    assert job == Job(folder / 'a.png', 'a.png', folder / 'm.png')


def test_two_pictures_with_one_result_are_refused():
    jobs = [Job(Path('x/a.png'), 'a.png'), Job(Path('y/a.jpg'), 'a.jpg')]
    with pytest.raises(ValueError, match=r'x/a\.png and y/a\.jpg would both write out/a\.png'):
        check_outputs(jobs, Path('out'))


@pytest.mark.parametrize('name', ['a.png', 'm.png'])
def test_an_input_is_never_overwritten(tmp_path, name):
    job = Job(tmp_path / 'a.png', name, tmp_path / 'm.png')
    with pytest.raises(ValueError, match=f'would overwrite the input .*{name}; give another'):
        check_outputs([job], tmp_path)


def test_a_mask_is_not_overwritten_by_its_enlarged_copy(tmp_path):
    job = Job(tmp_path / 'a.jpg', 'a.png', tmp_path / 'masks/a.png')
    check_outputs([job], tmp_path, ['maps', 'rounds', 'side_by_side'])
    with pytest.raises(ValueError, match=r'would overwrite the input .*masks/a\.png; give another'):
        check_outputs([job], tmp_path, ['masks'])


@pytest.mark.parametrize('name', ['masks', 'maps', 'rounds', 'side_by_side'])
def test_a_result_is_not_written_among_maps_or_masks(name):
    with pytest.raises(ValueError, match=f'in/a.png would be written among the {name} of out'):
        check_outputs([Job(Path('in/a.png'), f'{name}/a.png')], Path('out'))
    check_outputs([Job(Path('in/a.png'), f'{name}.png')], Path('out'))
    check_outputs([Job(Path('in/a.png'), f'x/{name}/a.png')], Path('out'))


def test_results_beside_each_other_are_fine():
    check_outputs([Job(Path('in/a.png'), 'a.png'), Job(Path('in/b.png'), 'b.png')], Path('out'))
