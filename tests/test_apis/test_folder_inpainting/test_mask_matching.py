import pytest

from fbinpaint_mm.apis.folder_inpainting.image_search import find_images
from fbinpaint_mm.apis.folder_inpainting.mask_matching import match_masks


def matched(folder, images='in', masks='masks'):
    """Names of pictures and their masks, below the folders."""
    found = find_images([str(folder / images)], recursive=True)
    pairs = match_masks(found, folder / masks).items()
    below = folder / masks
    return {found[path]: mask and mask.relative_to(below).as_posix() for path, mask in pairs}


@pytest.mark.parametrize(
    'mask',
    ['a.png', 'a.JPG', 'a_mask.png', 'a-mask.bmp', 'a.mask.png', 'a_mask001.png', 'a_MASK.png'],
)
def test_a_mask_is_named_like_its_picture(touch, mask):
    folder = touch('in/a.jpg', f'masks/{mask}', 'masks/ab.png', 'masks/b_mask.png')
    assert matched(folder) == {'a.jpg': mask}


def test_subfolders_are_looked_into_before_the_folder_itself(touch):
    folder = touch('in/x/a.jpg', 'in/y/a.jpg', 'masks/x/a_mask.png', 'masks/a.png')
    assert matched(folder) == {'x/a.jpg': 'x/a_mask.png', 'y/a.jpg': 'a.png'}


def test_the_plain_name_comes_before_the_one_with_an_ending(touch):
    assert matched(touch('in/a.jpg', 'masks/a.png', 'masks/a_mask.png')) == {'a.jpg': 'a.png'}


def test_a_missing_mask_is_none(touch):
    assert matched(touch('in/a.jpg', 'in/b.jpg', 'masks/a.png')) == {
        'a.jpg': 'a.png',
        'b.jpg': None,
    }


def test_pictures_and_masks_may_share_a_folder(touch):
    folder = touch('in/a.jpg', 'in/a_mask.png', 'in/b.png', 'in/b_mask.png', 'in/b.jpg')
    assert matched(folder, masks='in') == {
        'a.jpg': 'a_mask.png',
        'b.png': 'b_mask.png',
        'b.jpg': 'b_mask.png',
    }


def test_two_masks_of_one_picture_are_refused(touch):
    folder = touch('in/a.jpg', 'masks/a_mask.png', 'masks/a-mask.png')
    with pytest.raises(ValueError, match=r'a\.jpg has several masks: .*a-mask\.png, .*a_mask\.png'):
        matched(folder)
