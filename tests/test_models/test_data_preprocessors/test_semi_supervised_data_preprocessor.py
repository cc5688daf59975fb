import copy
import re

import pytest
import torch
from mmagic.models.data_preprocessors import DataPreprocessor
from mmagic.registry import MODELS
from mmagic.structures import DataSample
from mmengine.dataset import pseudo_collate
from mmengine.registry import DefaultScope

from fbinpaint_mm.datasets import ProceduralScenesDataset
from fbinpaint_mm.models.data_preprocessors import SemiSupervisedDataPreprocessor
from fbinpaint_mm.user_error import UserError

PIPELINE = [
    dict(type='LoadProceduralScene'),
    dict(type='FixedHole'),
    dict(type='GetMaskedImage', zero_value=127.5),
    dict(type='PackSemanticInputs'),
]


@pytest.fixture
def preprocessor():
    return SemiSupervisedDataPreprocessor(num_classes=5)


def make_sample(index, labeled, size):
    """Masked image and sample as a pipeline packs them."""
    generator = torch.Generator().manual_seed(index)
    image = torch.randint(0, 256, (3, *size), generator=generator, dtype=torch.uint8)
    labels = torch.randint(0, 5, (1, *size), generator=generator)
    mask = torch.zeros(1, *size, dtype=torch.uint8)
    mask[:, size[0] // 4 : size[0] * 3 // 4, index : size[1] * 3 // 4] = 1
    sample = DataSample(
        gt_img=image,
        mask=mask,
        gt_seg=labels if labeled else torch.full_like(labels, 255),
        metainfo=dict(gt_path=f'folder/{index:03d}.png', sample_idx=index, is_labeled=labeled),
    )
    return torch.where(mask == 1, 127.5, image.float()), sample


@pytest.fixture
def make_batch():
    """Fabricates a batch as a dataloader collates it, one sample for each flag."""

    def make(labeled=(True, False), size=(16, 16)):
        pairs = [make_sample(index, flag, size) for index, flag in enumerate(labeled)]
        return dict(inputs=[image for image, _ in pairs], data_samples=[s for _, s in pairs])

    return make


def snapshot(batch):
    """Everything in a batch, copied: tensors and meta information by name."""
    samples = batch['data_samples']
    return copy.deepcopy(
        dict(
            inputs=batch['inputs'],
            data=[dict(sample.items()) for sample in samples],
            meta=[sample.metainfo for sample in samples],
        )
    )


def assert_same(first, second):
    assert type(first) is type(second)
    if isinstance(first, dict):
        assert first.keys() == second.keys()
        first, second = list(first.values()), list(second.values())
    if isinstance(first, (list, tuple)):
        assert len(first) == len(second)
        for one, other in zip(first, second, strict=True):
            assert_same(one, other)
    elif isinstance(first, torch.Tensor):
        assert first.dtype == second.dtype
        assert torch.equal(first, second)
    else:
        assert first == second


def test_training_batch_keeps_the_contract(preprocessor, make_batch):
    batch = make_batch((True, False, True), size=(12, 20))
    result = preprocessor(batch, training=True)
    inputs, samples = result['inputs'], result['data_samples']
    assert inputs.shape == samples.gt_img.shape == (3, 3, 12, 20)
    assert inputs.dtype == samples.gt_img.dtype == samples.mask.dtype == torch.float32
    assert samples.mask.shape == samples.gt_seg.shape == (3, 1, 12, 20)
    assert samples.gt_seg.dtype == torch.int64
    assert samples.is_labeled.dtype == torch.bool
    assert samples.is_labeled.tolist() == [True, False, True]

    image = torch.stack([sample.gt_img for sample in batch['data_samples']]).float()
    hole = samples.mask.expand_as(inputs) == 1
    assert torch.equal(samples.mask, samples.mask.bool().float())
    assert hole.any()
    assert (inputs[hole] == 0).all()
    torch.testing.assert_close(samples.gt_img, image / 127.5 - 1)
    assert torch.equal(inputs[~hole], samples.gt_img[~hole])
    assert -1 <= samples.gt_img.min() < -0.9
    assert 0.9 < samples.gt_img.max() <= 1
    assert torch.equal(samples.gt_seg[0], batch['data_samples'][0].gt_seg)
    assert (samples.gt_seg[1] == 255).all()
    assert samples.metainfo['gt_path'] == [f'folder/{i:03d}.png' for i in range(3)]


def test_evaluation_keeps_the_true_image_in_8_bit_range(preprocessor, make_batch):
    batch = make_batch()
    result = preprocessor(batch, training=False)
    for image, sample in zip(result['data_samples'].gt_img, batch['data_samples'], strict=True):
        assert torch.equal(image, sample.gt_img)
    assert result['inputs'].abs().max() <= 1


@pytest.mark.parametrize('training', [True, False])
def test_incoming_batch_stays_as_it_was(preprocessor, make_batch, training):
    batch = make_batch((True, False))
    del batch['data_samples'][1].gt_seg
    before = snapshot(batch)
    first = preprocessor(batch, training)
    assert_same(snapshot(batch), before)
    second = preprocessor(batch, training)
    assert torch.equal(first['inputs'], second['inputs'])
    assert torch.equal(first['data_samples'].gt_img, second['data_samples'].gt_img)


def test_label_of_an_unlabeled_sample_does_not_leak(preprocessor, make_batch):
    batch = make_batch((True, True))
    batch['data_samples'][1].set_metainfo(dict(is_labeled=False))
    samples = preprocessor(batch, training=True)['data_samples']
    assert samples.is_labeled.tolist() == [True, False]
    assert (samples.gt_seg[1] == 255).all()


def test_label_of_an_unlabeled_sample_is_not_even_checked(preprocessor, make_batch):
    batch = make_batch((True, False))
    batch['data_samples'][1].gt_seg = torch.full((1, 16, 16), 77)
    samples = preprocessor(batch, training=True)['data_samples']
    assert (samples.gt_seg[1] == 255).all()


def test_missing_label_map_makes_a_sample_unlabeled(preprocessor, make_batch):
    batch = make_batch((True, True))
    for sample in batch['data_samples']:
        del sample.is_labeled
    del batch['data_samples'][1].gt_seg
    samples = preprocessor(batch, training=True)['data_samples']
    assert samples.is_labeled.tolist() == [True, False]
    assert (samples.gt_seg[1] == 255).all()


def test_is_labeled_may_be_missing_in_some_samples_only(preprocessor, make_batch):
    batch = make_batch((True, False))
    del batch['data_samples'][0].is_labeled
    samples = preprocessor(batch, training=True)['data_samples']
    assert samples.is_labeled.tolist() == [True, False]


def test_unknown_pixels_of_a_labeled_sample_are_allowed(preprocessor, make_batch):
    batch = make_batch((True,))
    batch['data_samples'][0].gt_seg[..., :3] = 255
    samples = preprocessor(batch, training=True)['data_samples']
    assert (samples.gt_seg[..., :3] == 255).all()
    assert samples.is_labeled.tolist() == [True]


def test_label_maps_without_a_channel_axis_and_of_8_bits_are_accepted(preprocessor, make_batch):
    batch = make_batch((True,))
    label = batch['data_samples'][0].gt_seg
    batch['data_samples'][0].gt_seg = label[0].to(torch.uint8)
    assert torch.equal(preprocessor(batch, True)['data_samples'].gt_seg[0], label)


def test_id_out_of_range_is_named_with_its_file(preprocessor, make_batch):
    batch = make_batch((True, True))
    batch['data_samples'][1].gt_seg[0, 3, 3] = 5
    message = r'folder/001\.png: label id 5 is out of range; expected 0\.\.4, or 255'
    with pytest.raises(UserError, match=message):
        preprocessor(batch, training=True)
    SemiSupervisedDataPreprocessor(num_classes=None)(batch, training=True)


def test_negative_id_is_out_of_range_too(preprocessor, make_batch):
    batch = make_batch((True,))
    batch['data_samples'][0].gt_seg[0, 3, 3] = -1
    with pytest.raises(UserError, match=r'folder/000\.png: label id -1 is out of range'):
        preprocessor(batch, training=True)


@pytest.mark.parametrize('value', [255, 2])
def test_mask_that_is_not_0_or_1_is_refused(preprocessor, make_batch, value):
    batch = make_batch()
    batch['data_samples'][1].mask *= value
    message = rf'folder/001\.png: the mask must be 0 \(known\) or 1 \(hole\), .* 0 to {value}'
    with pytest.raises(UserError, match=message):
        preprocessor(batch, training=True)


@pytest.mark.parametrize(('key', 'name'), [('mask', 'mask'), ('gt_seg', 'label')])
def test_sizes_that_differ_are_refused(preprocessor, make_batch, key, name):
    batch = make_batch((True,))
    sample = batch['data_samples'][0]
    sample.set_data({key: sample.get(key)[..., :8]})
    message = f'folder/000.png: {name} size (16, 8) differs from image size (16, 16)'
    with pytest.raises(UserError, match=re.escape(message)):
        preprocessor(batch, training=True)


def test_images_of_different_sizes_are_refused(preprocessor, make_batch):
    batch, other = make_batch((True, False)), make_batch((True, False), size=(16, 20))
    batch = {key: [batch[key][0], other[key][1]] for key in batch}
    message = r'found folder/000\.png: \(16, 16\), folder/001\.png: \(16, 20\); resize or crop'
    with pytest.raises(UserError, match=message):
        preprocessor(batch, training=True)


def test_missing_mask_is_refused(preprocessor, make_batch):
    batch = make_batch()
    del batch['data_samples'][0].mask
    with pytest.raises(UserError, match=r'folder/000\.png: the sample has no mask; add a transf'):
        preprocessor(batch, training=True)


def test_promise_of_labeled_samples_is_held_in_training_only(make_batch):
    preprocessor = SemiSupervisedDataPreprocessor(num_classes=5, min_labeled=2)
    batch = make_batch((True, False, False))
    with pytest.raises(UserError, match=r'1 labeled of 3 samples, but min_labeled=2; use a Lab'):
        preprocessor(batch, training=True)
    preprocessor(batch, training=False)
    preprocessor(make_batch((True, False, True)), training=True)


def test_claim_of_a_label_without_a_map_is_refused_by_name(preprocessor, make_batch):
    batch = make_batch((True,))
    del batch['data_samples'][0].gt_seg
    with pytest.raises(UserError, match=r'folder/000\.png'):
        preprocessor(batch, training=True)


def test_class_state_does_not_grow():
    before = {
        name: copy.deepcopy(value)
        for name, value in vars(DataPreprocessor).items()
        if isinstance(value, list)
    }
    for _ in range(3):
        SemiSupervisedDataPreprocessor(
            num_classes=5, non_image_keys='trimap', non_concentate_keys='flag'
        )
    assert {name: getattr(DataPreprocessor, name) for name in before} == before


def test_padding_reaches_every_field(make_batch):
    preprocessor = SemiSupervisedDataPreprocessor(num_classes=5, pad_size_divisor=8)
    result = preprocessor(make_batch(size=(12, 20)), training=True)
    samples = result['data_samples']
    assert result['inputs'].shape == samples.gt_img.shape == (2, 3, 16, 24)
    assert samples.mask.shape == samples.gt_seg.shape == (2, 1, 16, 24)
    assert (samples.gt_seg[..., 12:, :] == 255).all()
    for plane in (result['inputs'], samples.gt_img, samples.mask):
        assert torch.equal(plane[..., 20:], plane[..., 19:20].expand_as(plane[..., 20:]))
        assert torch.equal(plane[..., 12:, :], plane[..., 11:12, :].expand_as(plane[..., 12:, :]))
    known = (samples.mask == 0).expand_as(samples.gt_img)
    assert torch.equal(result['inputs'][known], samples.gt_img[known])


def test_padding_leaves_the_true_image_of_evaluation_alone(make_batch):
    preprocessor = SemiSupervisedDataPreprocessor(num_classes=5, pad_size_divisor=8)
    batch = make_batch(size=(12, 20))
    result = preprocessor(batch, training=False)
    assert torch.equal(result['inputs'], preprocessor(batch, training=True)['inputs'])
    assert result['data_samples'].gt_img.shape == (2, 3, 12, 20)
    assert result['data_samples'].gt_seg.shape == (2, 1, 12, 20)


def test_other_channel_order_reaches_input_and_target(make_batch):
    batch = make_batch()
    bgr = SemiSupervisedDataPreprocessor()(batch, training=True)
    rgb = SemiSupervisedDataPreprocessor(output_channel_order='RGB')(batch, training=True)
    assert torch.equal(rgb['inputs'], bgr['inputs'].flip(1))
    assert torch.equal(rgb['data_samples'].gt_img, bgr['data_samples'].gt_img.flip(1))


def test_batch_of_a_real_pipeline():
    with DefaultScope.overwrite_default_scope('mmagic'):
        dataset = ProceduralScenesDataset(
            num_scenes=4, image_size=32, labeled_ratio=0.5, pipeline=PIPELINE
        )
    indices = [dataset.labeled_indices[0], dataset.unlabeled_indices[0]]
    batch = pseudo_collate([dataset[index] for index in indices])
    before = snapshot(batch)
    preprocessor = MODELS.build(
        dict(type='SemiSupervisedDataPreprocessor', num_classes=10, min_labeled=1)
    )
    for training in (True, False):
        result = preprocessor(batch, training)
        assert_same(snapshot(batch), before)
        samples = result['data_samples']
        assert result['inputs'].shape == (2, 3, 32, 32)
        assert samples.is_labeled.tolist() == [True, False]
        assert samples.gt_seg[0].max() < 10
        assert (samples.gt_seg[1] == 255).all()
        hole = samples.mask.expand_as(result['inputs']) == 1
        assert (result['inputs'][hole] == 0).all()
        assert samples.metainfo['sample_idx'] == indices


def test_a_dictated_map_is_stacked_with_255_where_nothing_is_dictated(preprocessor, make_batch):
    batch = make_batch()
    assert 'dictated_seg' not in preprocessor(batch)['data_samples']
    size = batch['inputs'][0].shape[-2:]
    dictated = torch.full(size, 255, dtype=torch.uint8)
    dictated[0, 1] = 2
    batch['data_samples'][0].set_data(dict(dictated_seg=dictated))
    for training in (False, True):
        found = preprocessor(batch, training)['data_samples'].dictated_seg
        assert found.dtype == torch.int64
        assert found.shape == (len(batch['inputs']), 1, *size)
        assert found[0, 0, 0, 1] == 2
        assert (found != 255).sum() == 1
    assert 'dictated_seg' not in batch['data_samples'][1]


@pytest.mark.parametrize(
    ('change', 'message'),
    [
        (lambda size: torch.full(size, 5), r'000\.png, dictated_seg: label id 5 is out of range'),
        (
            lambda size: torch.zeros(size[0] + 1, size[1], dtype=torch.long),
            r'000\.png, dictated_seg: label size .* differs from image size',
        ),
    ],
)
def test_a_dictated_map_that_does_not_fit_is_refused(preprocessor, make_batch, change, message):
    batch = make_batch()
    dictated = change(batch['inputs'][0].shape[-2:])
    batch['data_samples'][0].set_data(dict(dictated_seg=dictated))
    with pytest.raises(UserError, match=message):
        preprocessor(batch)


@pytest.mark.parametrize('lacks', ['gt_seg', 'dictated_seg'])
def test_fields_of_all_samples_are_filled_in_one_order(
    preprocessor, make_batch, monkeypatch, lacks
):
    """mmagic lists them out of sets: with colliding hashes another order would be refused."""
    batch = make_batch((True, False))
    whole, other = batch['data_samples']
    whole.set_data(dict(dictated_seg=whole.gt_seg))
    if lacks == 'gt_seg':
        other.set_data(dict(dictated_seg=other.gt_seg))
        del other.gt_seg
    orders, set_field = {}, DataSample.set_field
    kept = []  # alive, so that no two have the same id

    def note(self, value, name, *args, **kwargs):
        kept.append(self)
        orders.setdefault(id(self), {})[name] = None
        return set_field(self, value, name, *args, **kwargs)

    given, fields, forward = [], DataSample.keys, DataPreprocessor.forward

    def keep(self, data, training):
        given.extend(data['data_samples'])
        return forward(self, data, training)

    monkeypatch.setattr(DataSample, 'set_field', note)
    monkeypatch.setattr(DataPreprocessor, 'forward', keep)
    preprocessor(batch)
    one, another = ([name for name in orders[id(s)] if name in fields(s)] for s in given)
    assert one == another == sorted(one)
    assert {'gt_seg', 'dictated_seg', 'is_labeled', 'mask', 'gt_img'} <= set(one)
