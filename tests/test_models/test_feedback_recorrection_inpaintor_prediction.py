"""Predictions: the output contract, padding, channel order, rounds and dictated maps."""

from functools import partial

import pytest
import torch
import torch.nn.functional as F

from fbinpaint_mm.user_error import UserError
from tests.test_models.small_model import (
    NO_SEMANTICS,
    PREPROCESSOR,
    make_batch,
    make_effective,
    make_wrappers,
)


def test_prediction_keeps_the_output_contract(build):
    model = make_effective(build()).eval()
    batch = make_batch((True, False), size=(16, 24))
    samples = model.val_step(batch)
    assert len(samples) == 2
    for index, (sample, given) in enumerate(zip(samples, batch['data_samples'], strict=True)):
        assert sample.gt_path == f'folder/{index:03d}.png'
        assert torch.equal(sample.gt_img, given.gt_img)
        assert torch.equal(sample.mask, given.mask.float())
        assert torch.equal(sample.gt_seg, given.gt_seg)
        output = sample.output
        assert output.pred_img.shape == (3, 16, 24)
        assert output.pred_img.dtype == torch.float32
        assert output.round_imgs.shape == (3, 3, 16, 24)
        assert torch.equal(output.round_imgs[-1], output.pred_img)
        assert output.round_segs.shape == (2, 16, 24)
        assert output.round_segs.dtype == torch.int64
        assert 0 <= output.round_segs.min() <= output.round_segs.max() < 5
        assert output.round_raw_segs.shape == (2, 16, 24)
        assert output.round_raw_segs.dtype == torch.int64
        assert output.round_confidences.shape == (3, 1, 16, 24)
        assert 0 <= output.round_confidences.min() <= output.round_confidences.max() <= 1
        hole = (given.mask == 1).expand(3, -1, -1)
        for image in output.round_imgs:
            assert torch.equal(image[~hole], given.gt_img[~hole].float())
            assert 0 <= image.min() <= image.max() <= 255
            assert not torch.equal(image[hole], given.gt_img[hole].float())
        assert torch.equal(sample.input[~hole], given.gt_img[~hole].float())
        assert (sample.input[hole] == 127.5).all()
        as_dict = sample.to_dict()
        assert torch.equal(as_dict['output']['pred_img'], output.pred_img)


def test_the_segmentors_own_maps_are_beside_the_corrected_ones(build):
    model, batch = build().eval(), make_batch()
    torch.nn.init.normal_(model.loop.memory.prototypes)
    model.loop.recorrection.temperature = 1e-4  # so that the correction shows
    data = model.data_preprocessor(batch, False)
    with torch.no_grad():
        rounds = model.generator(data['inputs'], data['data_samples'].mask.float(), 2)[1:]
    for index, sample in enumerate(model.val_step(batch)):
        expected = [one.semantics.raw_logits[index].argmax(0) for one in rounds]
        assert torch.equal(sample.output.round_raw_segs, torch.stack(expected))
        assert not torch.equal(sample.output.round_raw_segs, sample.output.round_segs)
    model.set_feedback(0.0, 2)
    for sample in model.val_step(batch):
        assert torch.equal(sample.output.round_raw_segs, sample.output.round_segs)


def test_every_value_of_a_known_pixel_survives(build):
    """All 256 of them go through [-1, 1] and back."""
    model = build().eval()
    batch = make_batch((False,), size=(16, 16))
    image = torch.arange(256, dtype=torch.uint8).reshape(1, 16, 16).expand(3, -1, -1)
    batch['data_samples'][0].gt_img = image
    batch['data_samples'][0].mask = torch.zeros(1, 16, 16, dtype=torch.uint8)
    batch['inputs'] = [image.float()]
    output = model.val_step(batch)[0].output
    assert all(torch.equal(one, image.float()) for one in output.round_imgs)


@pytest.mark.parametrize('order', ['RGB', 'BGR'])
def test_predictions_are_bgr_whatever_the_network_reads(build, order):
    preprocessor = dict(PREPROCESSOR, output_channel_order=order)
    model = make_effective(build(data_preprocessor=preprocessor)).eval()
    batch = make_batch()
    assert model.loop.to_segmentor.flip == (order == 'BGR')
    for sample, given in zip(model.val_step(batch), batch['data_samples'], strict=True):
        hole = (given.mask == 1).expand(3, -1, -1)
        for image in [*sample.output.round_imgs, sample.input]:
            assert torch.equal(image[~hole], given.gt_img[~hole].float())


def test_padding_is_undone_in_the_prediction(build):
    preprocessor = dict(PREPROCESSOR, pad_size_divisor=8)
    model = make_effective(build(data_preprocessor=preprocessor))
    batch = make_batch(size=(12, 18))
    model.train_step(batch, make_wrappers(model))
    for sample, given in zip(model.eval().val_step(batch), batch['data_samples'], strict=True):
        output = sample.output
        assert sample.gt_img.shape == output.pred_img.shape == sample.input.shape == (3, 12, 18)
        assert torch.equal(sample.mask, given.mask.float())
        assert torch.equal(sample.gt_seg, given.gt_seg)
        assert output.round_imgs.shape == (3, 3, 12, 18)
        assert output.round_segs.shape == output.round_raw_segs.shape == (2, 12, 18)
        assert output.round_confidences.shape == (3, 1, 12, 18)
        hole = (given.mask == 1).expand(3, -1, -1)
        assert torch.equal(output.pred_img[~hole], given.gt_img[~hole].float())


@pytest.mark.parametrize('rounds', [0, 1, 3])
def test_any_number_of_rounds_can_be_asked_for(build, rounds):
    batch = make_batch()
    by_config = make_effective(build(test_cfg=dict(rounds=rounds))).eval()
    by_argument = make_effective(build()).eval()
    data = by_argument.data_preprocessor(batch, False)
    with torch.no_grad():
        asked = by_argument(**data, mode='predict', rounds=rounds)
    full = make_effective(build(test_cfg=dict(rounds=3))).eval().val_step(batch)
    for one, other, most in zip(by_config.val_step(batch), asked, full, strict=True):
        assert one.output.round_imgs.shape[0] == rounds + 1
        assert torch.equal(one.output.round_imgs, other.output.round_imgs)
        assert torch.equal(one.output.round_imgs, most.output.round_imgs[: rounds + 1])
        assert ('round_segs' in one.output) == (rounds > 0)
        if rounds:
            assert torch.equal(one.output.round_segs, most.output.round_segs[:rounds])


def test_rounds_of_training_and_test_are_apart(build):
    model = build(train_cfg=dict(rounds=1), test_cfg=dict(rounds=3))
    losses = model.train_step(make_batch(), make_wrappers(model))
    assert 'round1_loss_l1_hole' in losses
    assert 'round2_loss_l1_hole' not in losses
    model.set_feedback(strength=0.5, rounds=2)
    assert model.loop.strength == 0.5
    assert 'round2_loss_l1_hole' in model.train_step(make_batch(), make_wrappers(model))
    assert model.val_step(make_batch())[0].output.round_imgs.shape[0] == 4


def test_rounds_can_be_asked_for_in_every_mode(build):
    model = make_effective(build()).eval()
    data = model.data_preprocessor(make_batch(), True)
    assert 'round2_loss_l1_hole' not in model(**data, mode='loss', rounds=1)
    _, composite = model(**data, mode='tensor', rounds=0)
    expected = model.generator(data['inputs'], data['data_samples'].mask, 0)[0].composite
    assert torch.equal(composite, expected)


def test_temperature_acts_on_predictions_and_not_on_training(build):
    settings = (dict(), dict(test_cfg=dict(map_temperature=0.2)))
    plain, sharp = (make_effective(build(**one)) for one in settings)
    data = plain.data_preprocessor(make_batch(), True)
    one, other = (model(**data, mode='loss') for model in (plain, sharp))
    assert all(torch.equal(one[name], other[name]) for name in one)
    samples = (model.eval().val_step(make_batch())[0].output for model in (plain, sharp))
    one, other = samples
    assert torch.equal(one.round_segs[0], other.round_segs[0])
    assert torch.equal(one.round_imgs[0], other.round_imgs[0])
    assert not torch.equal(one.round_imgs[1], other.round_imgs[1])


def test_padding_repeats_the_border(build):
    """As if the caller had enlarged image and hole so: gray would pass for known pixels."""
    model = make_effective(build(data_preprocessor=dict(PREPROCESSOR, pad_size_divisor=8))).eval()
    small, large = make_batch(size=(12, 18)), make_batch(size=(16, 24))
    for index, sample in enumerate(small['data_samples']):
        sample.mask[..., 5:, 7:] = 1
        small['inputs'][index] = torch.where(sample.mask == 1, 127.5, sample.gt_img.float())
        pad = partial(F.pad, pad=(0, 6, 0, 4), mode='replicate')
        large['inputs'][index] = pad(small['inputs'][index])
        large['data_samples'][index].mask = pad(sample.mask.float())
    for one, other in zip(model.val_step(small), model.val_step(large), strict=True):
        assert torch.equal(one.output.fake_res, other.output.fake_res[..., :12, :18])
        assert torch.equal(one.output.round_segs, other.output.round_segs[..., :12, :18])


def dictating(batch):
    """The batch with class 3 dictated in the left half of its first image."""
    dictated = torch.full(batch['data_samples'][0].gt_seg.shape, 255)
    dictated[..., : dictated.shape[-1] // 2] = 3
    batch['data_samples'][0].set_data(dict(dictated_seg=dictated))
    return batch


@pytest.mark.parametrize('divisor', [1, 8])
def test_a_dictated_map_is_taken_over_in_every_round(build, divisor):
    preprocessor = dict(PREPROCESSOR, pad_size_divisor=divisor)
    model = make_effective(build(data_preprocessor=preprocessor)).eval()
    size = (16, 16) if divisor == 1 else (12, 18)
    own = model.val_step(make_batch(size=size))
    found = model.val_step(dictating(make_batch(size=size)))
    half = size[1] // 2
    maps = found[0].output.round_segs
    assert (maps[:, :, :half] == 3).all()
    assert not (own[0].output.round_segs[:, :, :half] == 3).all()
    assert torch.equal(maps[0, :, half:], own[0].output.round_segs[0, :, half:])
    assert torch.equal(found[0].output.round_imgs[0], own[0].output.round_imgs[0])
    assert not torch.equal(found[0].output.round_imgs[1], own[0].output.round_imgs[1])
    hole = (found[0].mask == 1).expand(3, -1, -1)
    assert torch.equal(found[0].output.pred_img[~hole], found[0].gt_img[~hole].float())
    assert torch.equal(found[1].output.round_imgs, own[1].output.round_imgs)


def test_a_dictated_map_acts_in_mode_tensor_and_in_training(build):
    """And is no correction, of which the class memory would report a share."""
    model = make_effective(build()).eval()
    plain = model.data_preprocessor(make_batch(), True)
    dictated = model.data_preprocessor(dictating(make_batch()), True)
    _, own = model(**plain, mode='tensor')
    _, told = model(**dictated, mode='tensor')
    assert not torch.equal(own[0], told[0])
    assert torch.equal(own[1], told[1])
    losses = [model(**data, mode='loss') for data in (plain, dictated)]
    changed = {name for name in losses[0] if not torch.equal(losses[0][name], losses[1][name])}
    assert {'round1_loss_l1_hole', 'round2_loss_l1_hole'} <= changed
    assert not [name for name in changed if name.startswith('round0')]
    model.train_step(dictating(make_batch()), make_wrappers(model))
    assert model.update_class_memory().corrected_share is None


def test_a_map_dictated_to_a_model_without_semantics_is_refused(build):
    model = build(**NO_SEMANTICS).eval()
    with pytest.raises(UserError, match='a map is dictated, but the model has no segmentor'):
        model.val_step(dictating(make_batch()))
