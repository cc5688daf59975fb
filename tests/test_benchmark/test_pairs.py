import hashlib

import cv2
import numpy as np
import pytest
import torch
from mmagic.structures import DataSample
from mmengine.config import Config
from mmengine.registry import init_default_scope

from fbinpaint_mm.benchmark.pairs import ImageHolePairs, Labels, truth_of, update_digest
from fbinpaint_mm.benchmark.picture_files import PictureFiles
from fbinpaint_mm.user_error import UserError


@pytest.fixture(autouse=True)
def scope():
    init_default_scope('mmagic')


def folder_of(path, sizes):
    random = np.random.default_rng(0)
    path.mkdir()
    for index, size in enumerate(sizes):
        image = random.integers(0, 256, (*size, 3), dtype=np.uint8)
        cv2.imwrite(str(path / f'{index}.png'), image)
    load = [
        dict(type='LoadImageFromFile', key='gt'),
        dict(type='LoadSemanticMap'),
        dict(type='FixedHole'),
        dict(type='GetMaskedImage'),
        dict(type='PackSemanticInputs'),
    ]
    dataset = dict(
        type='SemanticInpaintingDataset',
        data_root=str(path),
        pipeline=load,
        serialize_data=False,
    )
    sampler = dict(type='DefaultSampler', shuffle=True)
    return Config(
        dict(test_dataloader=dict(batch_size=2, num_workers=0, sampler=sampler, dataset=dataset))
    )


def test_the_survey_describes_all_pairs(cfg, tmp_path):
    pairs = ImageHolePairs(cfg, 'small.py', 'test')
    pictures = PictureFiles(tmp_path)
    data = pairs.survey(pictures)
    assert (data.config, data.split, data.size) == ('small.py', 'test', (32, 32))
    assert data.samples == [f'procedural_test_{2_000_000 + i:010d}' for i in range(4)]
    for low, area in zip((0.1, 0.2, 0.3, 0.4), data.hole_areas, strict=True):
        assert low <= area <= low + 0.1
    digest = hashlib.sha256()
    for index in range(4):
        sample = pairs.dataset[index]['data_samples']
        for pixels in (sample.gt_img, sample.mask, sample.gt_seg.byte()):
            digest.update(repr(tuple(pixels.shape)).encode() + pixels.numpy().tobytes())
    assert data.sha256 == digest.hexdigest()


def test_the_pictures_are_the_images_with_and_without_holes(cfg, tmp_path):
    pairs, pictures = ImageHolePairs(cfg, 'small.py'), PictureFiles(tmp_path)
    name = pairs.survey(pictures).samples[1]
    sample = pairs.dataset[1]['data_samples']
    truth = sample.gt_img.permute(1, 2, 0).numpy()[..., ::-1]
    hole = sample.mask[0].numpy() == 1
    assert (pictures.load('truth', name) == truth).all()
    assert (pictures.load('input', name)[~hole] == truth[~hole]).all()
    assert (pictures.load('input', name)[hole] == 128).all()


def test_what_a_model_writes_into_its_batch_reaches_nobody(cfg, tmp_path):
    pairs = ImageHolePairs(cfg, 'small.py')
    pairs.survey(PictureFiles(tmp_path))
    for batch, truths in pairs.batches():
        for image, sample in zip(batch['inputs'], batch['data_samples'], strict=True):
            image.zero_()
            sample.gt_img.zero_()
            sample.mask.fill_(1)
        assert all(truth['gt_img'].any() and (truth['mask'] == 0).any() for truth in truths)
    assert sum(len(truths) for _, truths in pairs.batches()) == 4


def test_images_of_different_sizes_come_one_by_one_and_in_order(tmp_path):
    cfg = folder_of(tmp_path / 'data', [(32, 32), (32, 40), (48, 32)])
    pairs = ImageHolePairs(cfg, 'folder.py', batch_size=3)
    data = pairs.survey(PictureFiles(tmp_path / 'pictures'))
    assert [sample.rpartition('/')[2] for sample in data.samples] == ['0.png', '1.png', '2.png']
    assert data.size == (32, 32)
    assert [len(truths) for _, truths in pairs.batches()] == [1, 1, 1]


def test_truth_in_rgb_is_turned_into_bgr(tmp_path):
    cfg = folder_of(tmp_path / 'data', [(32, 32)])
    bgr = ImageHolePairs(cfg, 'folder.py').survey(PictureFiles(tmp_path / 'pictures'))
    cfg.test_dataloader.dataset.pipeline[0].channel_order = 'rgb'
    pairs = ImageHolePairs(cfg, 'folder.py')
    assert pairs.survey(PictureFiles(tmp_path / 'pictures')).sha256 == bgr.sha256
    image = cv2.imread(str(tmp_path / 'data/0.png'))
    (_, (truth,)) = next(iter(pairs.batches()))
    assert torch.equal(truth['gt_img'].permute(1, 2, 0), torch.from_numpy(image))


def test_the_first_images_alone(cfg, tmp_path):
    pairs = ImageHolePairs(cfg, 'small.py', max_images=3, batch_size=1)
    assert len(pairs.survey(PictureFiles(tmp_path)).samples) == len(pairs) == 3
    assert len(list(pairs.batches())) == 3
    assert len(ImageHolePairs(cfg, 'small.py', max_images=9)) == 4


def test_several_holes_of_each_image(cfg, tmp_path):
    alone = ImageHolePairs(cfg, 'small.py').survey(PictureFiles(tmp_path))
    assert alone.images == []
    cfg.test_dataloader.dataset.holes_per_image = 3
    pairs, pictures = ImageHolePairs(cfg, 'small.py'), PictureFiles(tmp_path)
    data = pairs.survey(pictures)
    assert data.images == [name for name in alone.samples for _ in range(3)]
    assert data.samples[::3] == alone.samples
    assert data.samples[1:3] == [f'{alone.samples[0]}_hole1', f'{alone.samples[0]}_hole2']
    assert data.hole_areas[::3] == alone.hole_areas
    assert len(set(pairs.hashes.values())) == len({*tmp_path.glob('input/*.png')}) == 12
    assert len(ImageHolePairs(cfg, 'small.py', max_images=3)) == 9
    assert len(ImageHolePairs(cfg, 'small.py', max_images=9)) == 12


def test_one_pair_makes_a_batch(cfg):
    pairs = ImageHolePairs(cfg, 'small.py')
    batch = pairs.first_batch()
    assert [tuple(image.shape) for image in batch['inputs']] == [(3, 32, 32)]
    assert len(batch['data_samples']) == 1


def test_a_model_of_other_classes_sees_no_labels(cfg, tmp_path):
    pairs = ImageHolePairs(cfg, 'small.py')
    pairs.survey(PictureFiles(tmp_path))
    batches = [*pairs.batches(Labels.HIDDEN), (pairs.first_batch(Labels.HIDDEN), [])]
    for batch, truths in batches:
        for sample in batch['data_samples']:
            assert 'gt_seg' not in sample
            assert sample.is_labeled is False
        assert all('gt_seg' in truth for truth in truths)


@pytest.mark.parametrize('labels', Labels)
def test_the_true_map_guides_only_who_asks_for_it(cfg, tmp_path, labels):
    cfg.test_dataloader.dataset.pipeline.insert(-1, dict(type='DictateLabelMap'))
    pairs = ImageHolePairs(cfg, 'small.py')
    pairs.survey(PictureFiles(tmp_path))
    for batch, _ in pairs.batches(labels):
        for sample in batch['data_samples']:
            assert ('dictated_seg' in sample) == (labels is Labels.DICTATED)
            if labels is Labels.DICTATED:
                assert torch.equal(sample.dictated_seg, sample.gt_seg)


def test_what_has_no_map_cannot_dictate_one(cfg):
    cfg.test_dataloader.dataset.pipeline[-1] = dict(type='PackInputs', data_keys=['mask'])
    pairs = ImageHolePairs(cfg, 'small.py')
    with pytest.raises(UserError, match=r'procedural_test_\d+: no gt_seg that could be dictated'):
        pairs.first_batch(Labels.DICTATED)


def test_random_holes_are_refused_before_a_pass_over_the_data(cfg, tmp_path):
    cfg.test_dataloader.dataset.pipeline[1] = dict(type='RandomHole', mask_mode='ff')
    pairs = ImageHolePairs(cfg, 'small.py')
    with pytest.raises(UserError, match=r'small\.py: the test data set gives other .* \(FixedHole'):
        pairs.survey(PictureFiles(tmp_path))


def test_pairs_that_change_later_are_refused(cfg, tmp_path):
    pairs = ImageHolePairs(cfg, 'small.py')
    pairs.survey(PictureFiles(tmp_path))
    pairs.data.sha256 = 'another'
    with pytest.raises(UserError, match='gives other images or holes each time'):
        list(pairs.batches())


def test_a_sample_that_comes_twice_is_refused(cfg, tmp_path):
    scenes = cfg.test_dataloader.dataset
    cfg.test_dataloader.dataset = dict(type='ConcatDataset', datasets=[scenes, scenes])
    pairs = ImageHolePairs(cfg, 'small.py')
    with pytest.raises(UserError, match="test has the sample 'procedural_test_0002000000' twice"):
        pairs.survey(PictureFiles(tmp_path))


def test_a_config_without_the_data_is_named(cfg):
    cfg.pop('val_dataloader')
    with pytest.raises(UserError, match=r'small\.py: .* one val_dataloader, found none; .*--data'):
        ImageHolePairs(cfg, 'small.py', 'val')
    cfg.val_dataloader = [cfg.test_dataloader, cfg.test_dataloader]
    with pytest.raises(UserError, match='found several'):
        ImageHolePairs(cfg, 'small.py', 'val')


def sample(**changes):
    image = torch.arange(24, dtype=torch.uint8).reshape(3, 2, 4)
    fields = dict(gt_img=image, mask=torch.tensor([[[0, 1, 0, 0], [0, 0, 0, 1]]]))
    return DataSample(**{**fields, **changes}, metainfo=dict(gt_path='a.png', sample_idx=3))


def digest_of(truth):
    digest = hashlib.sha256()
    update_digest(digest, truth)
    return digest.hexdigest()


def test_what_is_missing_is_named():
    with pytest.raises(UserError, match=r'a\.png: the sample has no gt_img and no mask'):
        truth_of(DataSample(metainfo=dict(gt_path='a.png')))


def test_the_digest_is_that_of_the_pixels():
    plain = digest_of(truth_of(sample()))
    hole = sample().mask
    assert plain == digest_of(truth_of(sample(gt_img=sample().gt_img.float(), mask=hole.float())))
    assert plain != digest_of(truth_of(sample(mask=hole.flip(2))))
    assert plain != digest_of(truth_of(sample(gt_img=sample().gt_img + 1)))
    labeled = [digest_of(truth_of(sample(gt_seg=hole + shift))) for shift in (0, 0, 1)]
    assert plain != labeled[0] == labeled[1] != labeled[2]
    turned = dict(gt_img=sample().gt_img.reshape(3, 4, 2), mask=hole.reshape(1, 4, 2))
    assert plain != digest_of(truth_of(sample(**turned)))
