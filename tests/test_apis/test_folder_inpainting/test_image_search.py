import pytest

from fbinpaint_mm.apis.folder_inpainting.image_search import find_images


def names(found):
    return sorted(found.values())


def test_a_folder_gives_its_images_and_recursively_those_of_its_subfolders(touch):
    folder = touch('in/b.JPG', 'in/a.png', 'in/notes.txt', 'in/.hidden.png', 'in/sub/c.webp')
    found = find_images([str(folder / 'in')], recursive=False)
    assert found == {folder / 'in/a.png': 'a.png', folder / 'in/b.JPG': 'b.JPG'}
    assert names(find_images([str(folder / 'in')], recursive=True)) == [
        'a.png',
        'b.JPG',
        'sub/c.webp',
    ]


def test_a_file_is_taken_whatever_its_suffix(touch):
    path = touch('scan.dat') / 'scan.dat'
    assert find_images([str(path)], recursive=False) == {path: 'scan.dat'}


def test_a_glob_keeps_the_folders_behind_its_first_wildcard(touch):
    folder = touch('in/x/a.png', 'in/y/deep/a.png', 'in/y/readme.md')
    found = find_images([f'{folder}/in/**/*'], recursive=False)
    assert names(found) == ['x/a.png', 'y/deep/a.png']


def test_a_file_that_is_given_twice_counts_once(touch):
    folder = touch('in/a.png', 'in/b.png')
    inputs = [str(folder / 'in/b.png'), str(folder / 'in'), str(folder / 'in/../in/a.png')]
    assert names(find_images(inputs, recursive=False)) == ['a.png', 'b.png']


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
        find_images([str(folder / text)], recursive=False)
