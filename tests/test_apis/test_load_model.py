"""Configs by name, checkpoints that fit, and the same numbers as the Runner's test."""

import logging

import numpy as np
import pytest
import torch
from mmengine.config import Config
from mmengine.hooks import Hook
from mmengine.runner import Runner

from fbinpaint_mm.apis import FeedbackInpainter
from fbinpaint_mm.apis.load_model import class_metainfo, load_config
from fbinpaint_mm.user_error import UserError


def test_configs_are_found_by_path_and_by_name(tmp_path):
    path = tmp_path / 'mine.py'
    path.write_text('model = dict(rounds=1)')
    assert load_config(str(path), {'model.rounds': 2}).model.rounds == 2
    assert load_config('ablations/one_way_demo').filename.endswith('ablations/one_way_demo.py')
    with pytest.raises(FileNotFoundError, match=r"'fbinpaint_dmo'.* Did you mean: fbinpaint_d"):
        FeedbackInpainter('fbinpaint_dmo')


@pytest.mark.parametrize('config', [None, {}, 5])
def test_a_config_of_another_type_is_refused(config):
    with pytest.raises(TypeError, match=r'^config: found .*, expected a path, a name or Config$'):
        load_config(config)


def test_options_do_not_change_a_config_that_was_read(small_config):
    inpainter = FeedbackInpainter(small_config, cfg_options={'model.test_cfg.rounds': 3})
    assert inpainter.default_rounds == 3
    assert 'test_cfg' not in small_config.model


def test_a_config_without_our_model_is_refused():
    for model in ({}, dict(model=dict(type='GLInpaintor')), dict(model=dict(type='Nothing'))):
        with pytest.raises(UserError, match='must have a model of type FeedbackRecorrectionInpai'):
            FeedbackInpainter(Config(model))


def test_random_weights_are_mentioned(small_config, monkeypatch):
    said = []
    monkeypatch.setattr(
        'fbinpaint_mm.apis.load_model.print_log', lambda *args: said.append(args[::2])
    )
    FeedbackInpainter(small_config, device='cpu')
    assert said == [('No checkpoint is given: the model has random weights.', logging.WARNING)]


def test_weights_are_those_of_the_checkpoint(small_config, inpainter, tmp_path):
    path = tmp_path / 'x.pth'
    extra = {'teacher.decode_head.weight': torch.zeros(3), 'disc.weight': torch.zeros(1)}
    torch.save(dict(state_dict=inpainter.model.state_dict() | extra), path)
    loaded = FeedbackInpainter(small_config, path, device='cpu')
    expected = inpainter.model.state_dict()
    assert all(torch.equal(v, expected[k]) for k, v in loaded.model.state_dict().items())


def test_a_checkpoint_of_another_config_is_refused_with_its_keys(small_config, inpainter, tmp_path):
    path = str(tmp_path / 'x.pth')
    torch.save(dict(state_dict=inpainter.model.state_dict()), path)
    wider = {'model.generator.initial.base_channels': 8}
    with pytest.raises(UserError, match=r"do not fit, first 'generator\.initial\.stem.*found \("):
        FeedbackInpainter(small_config, path, cfg_options=wider)
    with pytest.raises(FileNotFoundError, match=r'no\.pth'):
        FeedbackInpainter(small_config, str(tmp_path / 'no.pth'))


def test_no_weights_are_downloaded_for_parts_that_only_train(monkeypatch):
    """The full-size config has a VGG16, a discriminator and an ImageNet ResNet-50."""

    def refuse(*args, **kwargs):
        raise AssertionError('something is downloaded')

    monkeypatch.setattr('torch.hub.load_state_dict_from_url', refuse)
    model = FeedbackInpainter('fbinpaint_cityscapes', device='cpu').model
    assert model.disc is None
    assert model.teacher is None
    assert set(name.split('.')[0] for name in model.state_dict()) == {'generator'}


@pytest.mark.parametrize(
    ('name', 'count', 'first'),
    [
        ('fbinpaint_demo', 10, 'sky'),
        ('fbinpaint_celebahq', 19, 'background'),
        ('fbinpaint_cityscapes', 19, 'road'),
        ('fbinpaint_camvid_small', 11, 'sky'),
    ],
)
def test_classes_are_known_without_the_data(name, count, first):
    metainfo = class_metainfo(load_config(name))
    assert len(metainfo['classes']) == len(metainfo['palette']) == count
    assert metainfo['classes'][0] == first
    assert class_metainfo(Config(dict(model=dict()))) == {}


def test_classes_of_wrapped_several_and_foreign_data_sets():
    plain = load_config('fbinpaint_demo').test_dataloader.dataset
    concat = dict(type='ConcatDataset', datasets=[plain, plain])
    loaders = [dict(dataset=concat), [dict(dataset=plain), dict(dataset=concat)]]
    for loader in (*loaders, dict(dataset=dict(type='RepeatDataset', times=2, dataset=concat))):
        assert len(class_metainfo(Config(dict(test_dataloader=loader)))['classes']) == 10

    class Foreign(torch.utils.data.Dataset):
        pass

    assert class_metainfo(Config(dict(test_dataloader=dict(dataset=dict(type=Foreign))))) == {}


def test_classes_are_known_in_spite_of_options_for_other_data_sets():
    cfg = load_config('fbinpaint_celebahq_64px')
    cfg.test_dataloader.dataset.update(num_scenes=4, num_classes=15)
    assert len(class_metainfo(cfg)['classes']) == 15


class KeepPredictions(Hook):
    """Keeps what the model made in a test."""

    def __init__(self):
        self.samples = []

    def after_test_iter(self, runner, batch_idx, data_batch=None, outputs=None):
        self.samples.extend(outputs)


def test_bit_identical_to_the_test_of_a_runner(tmp_path):
    cfg = load_config('fbinpaint_demo')
    cfg.merge_from_dict(
        {
            'work_dir': str(tmp_path),
            'test_dataloader.dataset.num_scenes': 3,
            'test_dataloader.batch_size': 3,
            'test_dataloader.num_workers': 0,
            'test_dataloader.persistent_workers': False,
            'custom_hooks': [dict(type='FeedbackHook')],
            'experiment_name': 'equality',
        }
    )
    runner = Runner.from_cfg(cfg)
    keep = KeepPredictions()
    runner.register_hook(keep)
    with torch.no_grad():
        for parameter in runner.model.loop.parameters():
            parameter += torch.randn_like(parameter) * 0.01  # some parts start at zero
        runner.model.loop.memory.prototypes.normal_()
    torch.save(dict(state_dict=runner.model.state_dict()), tmp_path / 'x.pth')
    runner.test()

    inpainter = FeedbackInpainter('fbinpaint_demo', tmp_path / 'x.pth', device='cpu')
    images = [to_rgb(sample.gt_img) for sample in keep.samples]
    holes = [sample.mask[0].numpy() for sample in keep.samples]
    results = inpainter.inpaint(images, holes, return_rounds=True)
    assert len(results) == 3
    for result, sample in zip(results, keep.samples, strict=True):
        output = sample.output
        assert np.array_equal(result.image, to_rgb(output.pred_img))
        assert len(result.rounds) == len(output.round_imgs) == 3
        for index, one in enumerate(result.rounds):
            assert np.array_equal(one.image, to_rgb(output.round_imgs[index]))
            assert np.array_equal(one.confidence, output.round_confidences[index, 0].numpy())
            if index:
                assert np.array_equal(one.semantic_map, output.round_segs[index - 1].numpy())


def to_rgb(image):
    """(3, H, W) BGR in 0..255 -> (H, W, 3) uint8."""
    return image.round().byte().flip(0).movedim(0, -1).numpy()
