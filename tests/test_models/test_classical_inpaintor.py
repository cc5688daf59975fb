import cv2
import numpy as np
import pytest
import torch
from mmagic.registry import MODELS
from mmagic.structures import DataSample

from fbinpaint_mm.models import ClassicalInpaintor
from fbinpaint_mm.user_error import UserError

HEIGHT, WIDTH = 24, 32
OPENCV = dict(telea=cv2.INPAINT_TELEA, navier_stokes=cv2.INPAINT_NS)


def smooth_image(seed):
    """(3,H,W) uint8 image with something to continue into a hole."""
    coarse = np.random.default_rng(seed).integers(0, 256, (4, 5, 3), dtype=np.uint8)
    fine = cv2.resize(coarse, (WIDTH, HEIGHT), interpolation=cv2.INTER_CUBIC)
    return torch.from_numpy(fine).permute(2, 0, 1).contiguous()


def hole(top, bottom, left, right):
    mask = torch.zeros(1, HEIGHT, WIDTH, dtype=torch.uint8)
    mask[:, top:bottom, left:right] = 1
    return mask


HOLES = [hole(6, 15, 8, 20), hole(0, 10, 20, 32), hole(0, 0, 0, 0), hole(0, 24, 0, 32)]
BOX, CORNER, EMPTY, FULL = range(len(HOLES))


@pytest.fixture
def batch():
    """Four images, each with another hole, as a dataloader collates them."""
    images = [smooth_image(seed) for seed in range(len(HOLES))]
    inputs = [torch.where(mask == 1, 127.5, im) for im, mask in zip(images, HOLES, strict=True)]
    samples = [
        DataSample(gt_img=im, mask=mask, metainfo=dict(gt_path=f'{i}.png', sample_idx=i))
        for i, (im, mask) in enumerate(zip(images, HOLES, strict=True))
    ]
    return dict(inputs=inputs, data_samples=samples)


@pytest.mark.parametrize('method', OPENCV)
@pytest.mark.parametrize('radius', [3.0, 5.0])
def test_is_opencv(method, radius, batch):
    for image, mask in zip(batch['inputs'], HOLES, strict=True):
        image[mask.expand_as(image) == 1] = 9.0  # what is in the hole does not matter
    results = ClassicalInpaintor(method, radius).val_step(batch)
    for index in (BOX, CORNER):
        image = smooth_image(index).permute(1, 2, 0).numpy().copy()
        image[HOLES[index][0] == 1] = 127
        mask = HOLES[index][0].numpy()
        expected = cv2.inpaint(image, mask, radius, OPENCV[method])
        found = results[index].output.pred_img.permute(1, 2, 0).numpy()
        np.testing.assert_array_equal(found, expected)


def test_the_methods_and_radii_differ(batch):
    images = [
        ClassicalInpaintor(*settings).val_step(batch)[BOX].output.pred_img
        for settings in (('telea', 3), ('navier_stokes', 3), ('telea', 7), ('mean_color',))
    ]
    for index, image in enumerate(images):
        assert not any(torch.equal(image, other) for other in images[:index])


def test_mean_color_of_the_known_pixels(batch):
    output = ClassicalInpaintor('mean_color').val_step(batch)[CORNER].output
    image = smooth_image(CORNER).numpy().astype(np.float64)
    known = np.ones((HEIGHT, WIDTH), bool)
    known[:10, 20:] = False
    for channel in range(3):
        mean = np.average(image[channel], weights=known)
        np.testing.assert_allclose(output.pred_img[channel, :10, 20:], mean, rtol=1e-5)
        np.testing.assert_allclose(output.fake_res[channel], mean, rtol=1e-5)


@pytest.mark.parametrize('method', ['telea', 'navier_stokes', 'mean_color'])
@pytest.mark.parametrize('order', ['BGR', 'RGB'])
def test_known_pixels_and_extreme_holes(method, order, batch):
    model = MODELS.build(
        dict(
            type='ClassicalInpaintor',
            method=method,
            data_preprocessor=dict(type='DataPreprocessor', output_channel_order=order),
        )
    )
    results = model.val_step(batch)
    for index, result in enumerate(results):
        known = (HOLES[index] == 0).expand(3, -1, -1)
        predicted = result.output.pred_img
        assert predicted.shape == (3, HEIGHT, WIDTH)
        assert predicted.dtype == torch.float32
        assert torch.equal(predicted[known], smooth_image(index)[known].float())
        assert torch.equal(result.output.fake_img, predicted)
        assert result.sample_idx == index
        assert result.input.shape == (3, HEIGHT, WIDTH)
        assert 'round_imgs' not in result.output
    assert torch.equal(results[EMPTY].output.pred_img, smooth_image(EMPTY).float())
    assert (results[FULL].output.pred_img == 127.5).all()


def test_channel_order_does_not_change_the_result(batch):
    found = [
        ClassicalInpaintor(
            data_preprocessor=dict(type='DataPreprocessor', output_channel_order=order)
        ).val_step(batch)
        for order in ('BGR', 'RGB')
    ]
    for one, other in zip(*found, strict=True):
        assert torch.equal(one.output.pred_img, other.output.pred_img)


@pytest.mark.parametrize('order', ['BGR', 'RGB'])
def test_tensor_mode_is_normalized_as_the_inputs(order, batch):
    model = ClassicalInpaintor(
        data_preprocessor=dict(type='DataPreprocessor', output_channel_order=order)
    )
    data = model.data_preprocessor(batch, training=False)
    raw, composite = model(**data)
    known = (data['data_samples'].mask == 0).expand_as(composite)
    assert torch.equal(composite[known], data['inputs'][known])
    predicted = model(**data, mode='predict')[BOX].output
    for tensor, image in ((raw, predicted.fake_res), (composite, predicted.pred_img)):
        colors = image if order == 'BGR' else image.flip(0)
        torch.testing.assert_close(tensor[BOX], colors / 127.5 - 1)


def test_has_nothing_to_learn(batch):
    model = ClassicalInpaintor()
    assert not list(model.parameters())
    assert not model.state_dict()
    with pytest.raises(UserError, match=r"method='telea'\) has nothing to learn; use it"):
        model.train_step(batch, None)
    with pytest.raises(UserError, match='nothing to learn'):
        model(torch.zeros(1, 3, 8, 8), DataSample(), mode='loss')


def test_bad_arguments_are_refused():
    with pytest.raises(UserError, match="'nearest', expected one of telea, navier_stokes, mean_c"):
        ClassicalInpaintor('nearest')
    with pytest.raises(UserError, match='radius must be a positive number of pixels, got 0'):
        ClassicalInpaintor(radius=0)
    with pytest.raises(UserError, match="mode must be 'tensor' or 'predict', got 'test'"):
        ClassicalInpaintor()(torch.zeros(1, 3, 8, 8), DataSample(), mode='test')
