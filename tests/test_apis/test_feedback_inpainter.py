"""From pictures to results, and what is said about input that cannot be."""

import copy
import doctest
import pickle
import time
import tracemalloc
from concurrent.futures import ThreadPoolExecutor

import cv2
import numpy as np
import pytest
from PIL import Image

from fbinpaint_mm.apis import FeedbackInpainter, feedback_inpainter, inpainting_job
from fbinpaint_mm.user_error import UserError

FORMATS = [
    ((20, 24), 'uint8'),
    ((20, 24, 1), 'uint16'),
    ((21, 26, 2), 'uint8'),
    ((21, 26, 3), 'uint8'),
    ((21, 26, 3), 'uint16'),
    ((19, 23, 4), 'uint8'),
    ((19, 23, 4), 'uint16'),
]


def test_the_example_of_the_class_runs():
    found = doctest.testmod(feedback_inpainter)
    assert found.attempted >= 10
    assert found.failed == 0


@pytest.mark.parametrize('max_side', [512, 16])
@pytest.mark.parametrize(('shape', 'dtype'), FORMATS)
def test_known_pixels_and_alpha_come_back_bit_identical(
    inpainter, make_picture, make_hole, shape, dtype, max_side
):
    image, hole = make_picture(shape, dtype), make_hole(shape[:2])
    given = image.copy(), hole.copy()
    result = inpainter.inpaint(image, hole, return_rounds=True, max_side=max_side)
    assert np.array_equal(image, given[0])
    assert np.array_equal(hole, given[1])
    for one in [result, *result.rounds]:
        assert one.image.dtype == image.dtype
        assert one.image.shape == image.shape
        assert np.array_equal(one.image[~hole], image[~hole])
        if shape[2:] in [(2,), (4,)]:
            assert np.array_equal(one.image[..., -1], image[..., -1])
        assert (one.confidence[~hole] == 1).all()
        assert one.confidence.dtype == np.float32
        assert 0 <= one.confidence.min() < 1
    changed = (result.image != image).reshape(*hole.shape, -1).any(-1)
    assert changed[hole].mean() > 0.9
    assert np.array_equal(result.image, result.rounds[-1].image)
    assert len(result.rounds) == result.rounds_run + 1 == 3


def test_the_same_call_gives_the_same_result(inpainter, make_picture, make_hole):
    image, hole = make_picture((24, 32, 3)), make_hole((24, 32))
    one, other = (inpainter.inpaint(image, hole) for _ in range(2))
    assert np.array_equal(one.image, other.image)
    assert np.array_equal(one.confidence, other.confidence)
    assert not inpainter.model.training
    assert not any(module.training for module in inpainter.model.modules())


def test_training_mode_changes_neither_the_result_nor_the_model(inpainter, make_picture, make_hole):
    image, hole = make_picture((24, 32, 3)), make_hole((24, 32))
    expected = inpainter.inpaint(image, hole)
    state = {key: value.clone() for key, value in inpainter.model.state_dict().items()}
    inpainter.model.train()
    assert np.array_equal(inpainter.inpaint(image, hole).image, expected.image)
    assert all(value.equal(state[key]) for key, value in inpainter.model.state_dict().items())


def test_threads_take_turns_and_each_gets_what_it_gets_alone(inpainter, make_picture, make_hole):
    calls = [
        (
            make_picture((16 + 8 * (seed % 2), 32, 3), seed=seed),
            make_hole((16 + 8 * (seed % 2), 32)),
        )
        for seed in range(6)
    ]
    alone = [inpainter.inpaint(*call).image for call in calls]
    running, most = [], []

    def enter(*_):
        running.append(1)
        most.append(len(running))
        time.sleep(0.01)  # time for the other threads to come in

    network = inpainter.model.loop.segmentor.backbone
    hooks = [
        network.register_forward_pre_hook(enter),
        network.register_forward_hook(lambda *_: running.pop() and None),
    ]
    with ThreadPoolExecutor(3) as pool:
        found = list(pool.map(lambda call: inpainter.inpaint(*call).image, calls))
    for hook in hooks:
        hook.remove()
    assert max(most) == 1
    assert all(map(np.array_equal, found, alone))


def test_models_can_be_built_in_several_threads(small_config):
    def build(_):
        return FeedbackInpainter(small_config, device='cpu').classes

    with ThreadPoolExecutor(4) as pool:
        assert list(pool.map(build, range(8))) == [['sky', 'road', 'tree', 'car', 'wall']] * 8


def test_a_copy_works_on_its_own(inpainter, make_picture, make_hole):
    image, hole = make_picture((24, 32, 3)), make_hole((24, 32))
    expected = inpainter.inpaint(image, hole).image
    for copied in (copy.deepcopy(inpainter), pickle.loads(pickle.dumps(inpainter))):
        assert copied.model is not inpainter.model
        assert np.array_equal(copied.inpaint(image, hole).image, expected)


def test_what_lies_in_the_hole_does_not_matter(inpainter, make_picture, make_hole):
    image, hole = make_picture((24, 90, 3)), make_hole((24, 90))
    other = image.copy()
    other[hole] = 255 - other[hole]
    for max_side in (96, 32):
        found = [inpainter.inpaint(one, hole, max_side=max_side) for one in (image, other)]
        assert np.array_equal(found[0].image, found[1].image)


def test_equal_sizes_run_as_one_batch_and_results_keep_their_order(
    inpainter, make_picture, make_hole, seen_shapes
):
    sizes = [(24, 32), (16, 16), (24, 32), (24, 31)]
    images = [make_picture((*size, 3), seed=seed) for seed, size in enumerate(sizes)]
    holes = [make_hole(size) for size in sizes]
    results = inpainter.inpaint(images, holes)
    assert seen_shapes == [(3, 3, 24, 32), (1, 3, 16, 16)]  # 31 pixels are padded to 32
    for image, hole, result in zip(images, holes, results, strict=True):
        alone = inpainter.inpaint(image, hole)
        assert np.array_equal(result.image[~hole], image[~hole])
        # Batches of other sizes may round differently.
        assert np.abs(result.image.astype(int) - alone.image).max() <= 1
        assert np.abs(result.confidence - alone.confidence).max() < 1e-4


def test_a_batch_has_a_bounded_number_of_pixels(inpainter, make_picture, seen_shapes):
    images = [make_picture((32, 32, 3), seed=seed) for seed in range(9)]
    hole = np.zeros((32, 32), bool)
    hole[12:16] = True
    inpainter.inpaint(images, [hole] * 9, max_side=32)
    assert [shape[0] for shape in seen_shapes] == [4, 4, 1]


@pytest.mark.parametrize('as_what', ['array', 'pillow', 'path'])
def test_arrays_pillow_images_and_paths_give_the_same(
    inpainter, make_picture, make_hole, tmp_path, as_what
):
    image, hole = make_picture((24, 32, 3)), make_hole((24, 32))
    expected = inpainter.inpaint(image, hole)
    given = Image.fromarray(image), Image.fromarray(hole)
    if as_what == 'array':
        given = image, np.where(hole, 255, 0).astype(np.uint8)
    if as_what == 'path':
        for picture, name in zip(given, ('image.png', 'mask.png'), strict=True):
            picture.save(tmp_path / name)
        given = tmp_path / 'image.png', str(tmp_path / 'mask.png')
    result = inpainter.inpaint(*given)
    assert np.array_equal(result.image, expected.image)
    assert np.array_equal(np.asarray(result.to_pil()), expected.image)


def test_sixteen_bits_are_painted_with_sixteen(inpainter, make_picture, make_hole):
    """The finer picture, reduced to 8 bits, is the picture of 8 bits."""
    image, hole = make_picture((24, 32, 3)), make_hole((24, 32))
    coarse = inpainter.inpaint(image, hole).image
    fine = inpainter.inpaint(image.astype(np.uint16) * 257, hole).image
    assert np.array_equal(np.rint(fine / 257).astype(np.uint8), coarse)
    assert (fine[hole] % 257 != 0).mean() > 0.9


def test_gray_is_painted_as_an_equal_color_would_be(inpainter, make_picture, make_hole):
    image, hole = make_picture((24, 32)), make_hole((24, 32))
    gray = inpainter.inpaint(image, hole).image
    color = inpainter.inpaint(np.repeat(image[..., None], 3, 2), hole).image
    luma = cv2.cvtColor(color, cv2.COLOR_RGB2GRAY)
    assert np.abs(gray.astype(int) - luma).max() <= 1


def test_rounds(inpainter, make_picture, make_hole):
    image, hole = make_picture((24, 32, 3)), make_hole((24, 32))
    three = inpainter.inpaint(image, hole, rounds=3, return_rounds=True)
    assert [one.semantic_map is None for one in three.rounds] == [True, False, False, False]
    for rounds in range(4):
        result = inpainter.inpaint(image, hole, rounds)
        assert result.rounds is None
        assert result.rounds_run == rounds
        assert np.array_equal(result.image, three.rounds[rounds].image)
        assert np.array_equal(result.confidence, three.rounds[rounds].confidence)
        if rounds:
            assert result.semantic_map.dtype == np.uint8
            assert np.array_equal(result.semantic_map, three.rounds[rounds].semantic_map)
    assert not np.array_equal(three.rounds[0].image, three.rounds[1].image)
    assert inpainter.default_rounds == 2


def test_the_map_can_be_dictated(inpainter, make_picture, make_hole):
    image, hole = make_picture((24, 32, 3)), make_hole((24, 32))
    own = inpainter.inpaint(image, hole, rounds=1)
    wanted = (own.semantic_map.astype(np.int64) + 1) % 5
    part = np.zeros_like(hole)
    part[:, :16] = True
    for given in (
        dict(semantic_map=wanted, semantic_map_mask=part),
        dict(semantic_map=np.where(part, wanted, 255)),
        dict(semantic_map=np.where(part, wanted, -7), semantic_map_mask=part.astype(np.uint8)),
    ):
        edited = inpainter.inpaint(image, hole, rounds=1, **given)
        assert np.array_equal(edited.semantic_map[part], wanted[part])
        assert np.array_equal(edited.semantic_map[~part], own.semantic_map[~part])
        assert not np.array_equal(edited.image[hole], own.image[hole])
        assert np.array_equal(edited.image[~hole], image[~hole])


def test_a_map_can_be_dictated_to_some_pictures_of_a_list(inpainter, make_picture, make_hole):
    images = [make_picture((24, 32, 3), seed=seed) for seed in range(2)]
    holes = [make_hole((24, 32))] * 2
    maps = [None, np.full((24, 32), 3)]
    own = inpainter.inpaint(images, holes)
    edited = inpainter.inpaint(images, holes, semantic_map=maps, semantic_map_mask=[None, holes[1]])
    assert np.array_equal(own[0].image, edited[0].image)
    assert (edited[1].semantic_map[holes[1]] == 3).all()
    assert not np.array_equal(own[1].image, edited[1].image)


def test_a_map_of_a_large_picture_can_be_dictated(inpainter, make_picture, make_hole):
    image, hole = make_picture((60, 200, 3)), make_hole((60, 200))
    edited = inpainter.inpaint(image, hole, semantic_map=np.full(hole.shape, 4), max_side=48)
    assert (edited.semantic_map[hole] == 4).all()


def test_classes_and_colors_come_from_the_data_set(inpainter, without_semantics):
    assert inpainter.num_classes == 5
    assert inpainter.classes == ['sky', 'road', 'tree', 'car', 'wall']
    assert len({tuple(color) for color in inpainter.palette}) == 5
    assert without_semantics.num_classes == 0
    assert without_semantics.classes is None
    assert without_semantics.palette == []


def test_a_model_without_semantics_inpaints(without_semantics, make_picture, make_hole):
    image, hole = make_picture((24, 32, 3)), make_hole((24, 32))
    result = without_semantics.inpaint(image, hole, return_rounds=True)
    assert result.semantic_map is None
    assert all(one.semantic_map is None for one in result.rounds)
    assert result.rounds_run == 2
    assert not np.array_equal(result.image[hole], image[hole])


@pytest.mark.parametrize('shape', [(24, 32, 3), (24, 32, 4), (1, 1)])
def test_an_empty_mask_gives_the_input_back_and_says_so(inpainter, make_picture, shape):
    image = make_picture(shape)
    result = inpainter.inpaint(image, np.zeros(shape[:2], bool), return_rounds=True)
    assert np.array_equal(result.image, image)
    assert result.image is not image
    assert result.notes == ['the mask is empty: the input is returned']
    dark = inpainter.inpaint(image, np.full(shape[:2], 127, np.uint8)).notes
    assert dark == [*result.notes, 'of a mask in 0..255, pixels above 127 are the hole']
    assert result.rounds_run == 0
    assert (result.confidence == 1).all()
    assert result.semantic_map is None
    assert len(result.rounds) == 1


@pytest.mark.parametrize('max_side', [512, 32])
@pytest.mark.parametrize('shape', [(24, 40, 3), (1, 1), (1, 70, 4)])
def test_a_full_mask_works(inpainter, make_picture, shape, max_side):
    image = make_picture(shape)
    full = np.ones(shape[:2], np.uint8)
    result = inpainter.inpaint(image, full, max_side=max_side)
    assert result.image.shape == shape
    assert result.notes == ['the mask is the whole picture: nothing of it is known']
    other = inpainter.inpaint(255 - image, full, max_side=max_side)
    colors = slice(0, 3) if len(shape) == 3 else slice(None)
    assert np.array_equal(result.image[..., colors], other.image[..., colors])


def test_a_dictated_map_that_no_round_reads_is_mentioned(inpainter, make_picture, make_hole):
    image, hole = make_picture((24, 32, 3)), make_hole((24, 32))
    result = inpainter.inpaint(image, hole, 0, semantic_map=np.zeros((24, 32), int))
    assert result.notes == ['rounds=0: no round reads the semantic map']


IMAGE, HOLE = np.zeros((24, 32, 3), np.uint8), np.eye(24, 32) > 0


@pytest.mark.parametrize(
    ('given', 'error', 'message'),
    [
        (dict(mask=HOLE.T), UserError, 'mask: found size 32x24 .*, expected .* image, 24x32$'),
        (dict(image=3), TypeError, 'image: found int, expected a numpy array, a Pillow image or a'),
        (dict(image=IMAGE / 255), UserError, 'image: found data type float64, expected uint8 in'),
        (dict(image=IMAGE[None]), UserError, r'image: found an array of shape \(1, 24, 32, 3\)'),
        (dict(image=IMAGE[:0]), UserError, r'image: found an array of shape \(0, 32, 3\), expect'),
        (dict(image='no.png'), FileNotFoundError, "image: there is no file 'no.png'"),
        (dict(mask='no.png'), FileNotFoundError, "mask: there is no file 'no.png'"),
        (dict(rounds=-1), UserError, 'rounds must be a whole number of 0 or more, got -1'),
        (dict(rounds=1.5), UserError, r'rounds must be a whole number of 0 or more, got 1\.5'),
        (dict(rounds=True), UserError, 'rounds must be a whole number of 0 or more, got True'),
        (dict(max_side=0), UserError, 'max_side must be a positive whole number of pixels, got 0'),
        (dict(max_side='9'), UserError, "max_side must be a positive whole .*, got '9'"),
        (dict(max_side=True), UserError, 'max_side must be a positive whole .*, got True'),
        (
            dict(semantic_map=np.full((24, 32), 5)),
            ValueError,
            r'class id 5 is out of range, expected 0\.\.4 \(sky, road, tree, car, wall\), or 255',
        ),
        (
            dict(semantic_map=np.zeros((32, 24), int)),
            ValueError,
            r'semantic_map: found shape \(32, 24\), expected that of the image, \(24, 32\)',
        ),
        (dict(image=[IMAGE] * 2, mask=[HOLE]), UserError, 'mask: found 1, expected a list of 2'),
        (dict(image=[IMAGE] * 2), UserError, 'mask: found ndarray, expected a list of 2, one for'),
    ],
)
def test_input_that_cannot_be_is_refused(inpainter, seen_shapes, given, error, message):
    with pytest.raises(error, match=message):
        inpainter.inpaint(**(dict(image=IMAGE, mask=HOLE) | given))
    assert seen_shapes == []


def test_all_pictures_of_a_list_are_checked_before_the_first_is_inpainted(inpainter, seen_shapes):
    with pytest.raises(UserError, match='mask: found size 32x24'):
        inpainter.inpaint([IMAGE, IMAGE], [HOLE, HOLE.T])
    assert seen_shapes == []


def test_a_map_dictated_to_a_model_without_semantics_is_refused(without_semantics):
    with pytest.raises(UserError, match=r'this model has no semantics \(segmentor=None\)'):
        without_semantics.inpaint(IMAGE, HOLE, semantic_map=np.zeros((24, 32), int))


@pytest.mark.parametrize('device', ['cuda:99', 'gpu', 'meta', 99])
def test_a_device_that_is_not_there_is_named(small_config, device):
    with pytest.raises(UserError, match=f"device '{device}' cannot be used: "):
        FeedbackInpainter(small_config, device=device)


def test_an_empty_list_has_no_results(inpainter):
    assert inpainter.inpaint([], []) == []


@pytest.mark.parametrize('fill', ['strokes', 'box', 'all'])
def test_the_model_never_sees_more_than_max_side(inpainter, seen_shapes, fill):
    """What bounds the memory, whatever the size of the picture and of the hole."""
    image = np.full((700, 3000), 90, np.uint8)
    hole = np.zeros(image.shape, bool)
    if fill == 'strokes':
        hole[::350, ::600] = True
    if fill == 'box':
        hole[100:600, 500:2500] = True
    if fill == 'all':
        hole[:] = True
    result = inpainter.inpaint(image, hole, rounds=1, max_side=64)
    assert len(seen_shapes) >= 1
    assert max(max(shape[2:]) for shape in seen_shapes) <= 64
    assert max(shape[0] for shape in seen_shapes) == 1
    assert (result.image[~hole] == 90).all()
    assert (result.confidence[hole] < 1).all()


def test_a_large_picture_takes_little_more_memory_than_its_result(inpainter, seen_shapes):
    image = np.full((4000, 4000), 90, np.uint8)
    hole = np.zeros(image.shape, bool)
    hole[2000:2300, 2000:2400] = hole[3990:, 3990:] = True
    tracemalloc.start()
    result = inpainter.inpaint(image, hole, rounds=1, max_side=256)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    # Bytes per pixel: 1 of the image, 4 of the confidence, 1 of the map, and 1 of the open hole.
    assert peak < (7 + 1.5) * image.size
    assert max(max(shape[2:]) for shape in seen_shapes) <= 256
    result.image[hole] = 90
    assert (result.image == 90).all()
    assert (result.confidence[hole] < 1).all()


def test_pictures_are_shown_at_up_to_twice_the_size_of_training(inpainter, seen_shapes):
    assert inpainter.default_max_side == 512
    sized = FeedbackInpainter(
        inpainter.config, device='cpu', cfg_options={'test_dataloader.dataset.image_size': (16, 24)}
    )
    assert sized.default_max_side == 48
    image, hole = np.zeros((400, 900), np.uint8), np.zeros((400, 900), bool)
    hole[50:54, 50:850] = True
    inpainter.inpaint(image, hole)
    assert max(seen_shapes[0]) == 512
    sized.model = inpainter.model
    sized.inpaint(image, hole)
    assert max(seen_shapes[1]) == 48


def test_a_scaled_crop_has_its_seam_closed(inpainter, monkeypatch):
    """As much as the offset of the small model goes, in every round."""
    image = np.full((200, 300, 3), 90, np.uint8)
    hole = np.zeros((200, 300), bool)
    hole[50:150, 60:240] = True
    closed = inpainter.inpaint(image, hole, return_rounds=True, max_side=64).rounds
    monkeypatch.setattr(inpainting_job, 'close_seam', lambda composite, *_: composite)
    seam = inpainter.inpaint(image, hole, return_rounds=True, max_side=64).rounds
    for one, other in zip(closed, seam, strict=True):
        jumps = [np.abs(x.image[50, 60:240].astype(int) - 90).mean() for x in (one, other)]
        assert jumps[0] < 0.7 * jumps[1]
        assert np.array_equal(one.image[~hole], image[~hole])


def test_the_picture_goes_on_in_the_padding_as_in_a_mirror(inpainter, make_picture):
    image, hole = make_picture((22, 31, 3)), np.zeros((22, 31), bool)
    hole[10:22, 20:31] = True
    seen = []
    hook = inpainter.model.generator.register_forward_pre_hook(lambda _, args: seen.append(args))
    inpainter.inpaint(image, hole)
    hook.remove()
    masked, mask, *_ = seen[0]
    assert masked.shape == (1, 3, 22 + 2, 31 + 1)
    for plane in (masked, mask):
        assert plane[..., 31].equal(plane[..., 30])
        assert plane[..., 22, :].equal(plane[..., 21, :])
        assert plane[..., 23, :].equal(plane[..., 20, :])
    assert mask[..., 23, 31] == 1
