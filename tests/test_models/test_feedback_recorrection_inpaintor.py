import copy
from dataclasses import replace
from types import SimpleNamespace
from zlib import crc32

import pytest
import torch
from mmagic.registry import MODELS
from mmagic.structures import DataSample
from mmengine.config import Config
from mmengine.optim import OptimWrapper, OptimWrapperDict

from fbinpaint_mm.engine.hooks import MeanTeacherHook
from fbinpaint_mm.models.feedback import NO_KEY

BATCHES = {'mixed': (True, False), 'labelled': (True, True), 'unlabelled': (False, False)}
PIXEL = ['loss_l1_hole', 'loss_l1_valid', 'loss_confidence']
GL = dict(
    type='GLEncoderDecoder',
    encoder=dict(type='GLEncoder'),
    decoder=dict(type='GLDecoder'),
    dilation_neck=dict(type='GLDilationNeck'),
)


@pytest.fixture
def small(repository):
    return Config.fromfile(repository / 'tests/small_inpaintor.py').to_dict()


@pytest.fixture
def build(small):
    """Builds the small model with the same weights each time; keywords replace its parts."""

    def make(**parts):
        torch.manual_seed(0)
        return MODELS.build(copy.deepcopy(small['model'] | parts))

    return make


def make_effective(model, seed=5):
    """Random weights and prototypes: some parts start at zero, where nothing shows."""
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.copy_(torch.randn(parameter.shape, generator=generator) * 0.2)
    if model.loop.memory is not None:
        prototypes = model.loop.memory.prototypes
        prototypes.copy_(torch.randn(prototypes.shape, generator=generator))
    return model


def make_batch(labeled=(True, False), size=(16, 16), first=0):
    """A batch as a dataloader collates it; every sample has the same hole."""
    inputs, samples = [], []
    for index, flag in enumerate(labeled, first):
        generator = torch.Generator().manual_seed(index)
        image = torch.randint(0, 256, (3, *size), generator=generator, dtype=torch.uint8)
        labels = torch.randint(0, 5, (1, *size), generator=generator)
        mask = torch.zeros(1, *size, dtype=torch.uint8)
        mask[:, size[0] // 4 : size[0] * 3 // 4, size[1] // 4 : size[1] * 3 // 4] = 1
        meta = dict(gt_path=f'folder/{index:03d}.png', sample_idx=index, is_labeled=flag)
        labels = labels if flag else torch.full_like(labels, 255)
        samples.append(DataSample(gt_img=image, mask=mask, gt_seg=labels, metainfo=meta))
        inputs.append(torch.where(mask == 1, 127.5, image.float()))
    return dict(inputs=inputs, data_samples=samples)


def make_wrappers(model, lr=0.1, **options):
    parts = {name: getattr(model, name) for name in ('generator', 'disc')}
    return OptimWrapperDict(
        **{
            name: OptimWrapper(torch.optim.SGD(part.parameters(), lr=lr), **options)
            for name, part in parts.items()
            if part is not None
        }
    )


def parameters_of(model):
    return {name: value.detach().clone() for name, value in model.named_parameters()}


@pytest.mark.parametrize('kind', BATCHES)
def test_every_kind_of_batch_trains_with_finite_named_losses(small, build, kind):
    model = build(**small['adversarial'], **small['perceptual'])
    wrappers = make_wrappers(model)
    supervised = ['loss_segmentation', 'loss_prototype']
    semantic = list(supervised)
    if kind != 'labelled':
        semantic += ['loss_consistency']
    image = [*PIXEL, 'loss_perceptual', 'loss_style']
    expected = {f'round{r}_{name}' for r in range(3) for name in image}
    expected |= {f'round{r}_{name}' for r in (1, 2) for name in semantic}
    expected |= {'loss', 'loss_gan', 'loss_disc', 'loss_disc_real', 'loss_disc_fake'}
    for _ in range(3):
        losses = model.train_step(make_batch(BATCHES[kind]), wrappers)
        model.update_class_memory()
        assert losses.keys() == expected
        assert all(torch.isfinite(torch.as_tensor(value)).all() for value in losses.values())
    assert all(torch.isfinite(value).all() for value in model.state_dict().values())
    assert model.loop.memory.seen.any() == (kind != 'unlabelled')
    values = [losses[f'round{r}_{name}'] for r in (1, 2) for name in supervised]
    assert all((value == 0) == (kind == 'unlabelled') for value in values)


def test_total_is_the_sum_of_the_generators_losses(small, build):
    model = build(**small['adversarial'])
    losses = model.train_step(make_batch(), make_wrappers(model))
    total = losses.pop('loss')
    parts = [value for name, value in losses.items() if 'disc' not in name]
    torch.testing.assert_close(torch.as_tensor(total), torch.as_tensor(sum(parts)))


@pytest.mark.parametrize('detach_rounds', [True, False])
def test_gradients_reach_everything_that_learns_and_nothing_else(small, build, detach_rounds):
    model = build(**small['adversarial'], detach_rounds=detach_rounds)
    wrappers = make_wrappers(model)
    teacher = parameters_of(model.teacher)
    for _ in range(4):
        model.train_step(make_batch(), wrappers)
        before = model.loop.memory.prototypes.clone()
        model.update_class_memory()
        assert not torch.equal(model.loop.memory.prototypes, before)
    model.zero_grad()
    data = model.data_preprocessor(make_batch(), True)
    sum(model(**data, mode='loss').values()).backward()
    parameters = dict(model.named_parameters())
    reached = {name for name, p in parameters.items() if p.grad is not None and p.grad.any()}
    learning = {name for name in parameters if name.startswith('generator.')}
    assert learning <= reached, f'no gradient: {sorted(learning - reached)}'
    assert not [name for name in reached if name.startswith('teacher.')]
    assert not [p for p in model.teacher.parameters() if p.requires_grad]
    for name, value in parameters_of(model.teacher).items():
        assert torch.equal(value, teacher[name])
    assert not [name for name, _ in model.loop.memory.named_parameters()]


def test_discriminator_learns_from_its_own_losses_only(small, build):
    model = build(**small['adversarial'])
    model.train_step(make_batch(), make_wrappers(model))
    assert all(parameter.requires_grad for parameter in model.disc.parameters())
    model.zero_grad()
    data = model.data_preprocessor(make_batch(), True)
    sum(model(**data, mode='loss').values()).backward()
    assert all(p.grad is None or not p.grad.any() for p in model.disc.parameters())
    assert all(parameter.requires_grad for parameter in model.disc.parameters())


def test_teacher_stays_in_evaluation_mode(build):
    model = build().train()
    assert model.loop.segmentor.training
    assert not any(module.training for module in model.teacher.modules())


def test_train_step_leaves_the_memory_to_the_hook(build):
    model = build()
    model.train_step(make_batch((True, False, True)), make_wrappers(model))
    assert not model.loop.memory.updates.any()
    batch = model.update_class_memory()
    assert batch.is_labeled.tolist() == [True, False, True]
    assert not batch.features.requires_grad
    assert 0 <= batch.corrected_share <= 1
    assert (model.loop.memory.updates == 1).all()
    assert model.update_class_memory() is None


def test_memory_learns_from_labelled_samples_only(build):
    both, labelled = build().eval(), build().eval()
    both.train_step(make_batch((True, False)), make_wrappers(both))
    labelled.train_step(make_batch((True,)), make_wrappers(labelled))
    both.update_class_memory()
    labelled.update_class_memory()
    torch.testing.assert_close(both.loop.memory.prototypes, labelled.loop.memory.prototypes)


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


@pytest.mark.parametrize(('divisor', 'size'), [(1, (12, 16)), (8, (12, 18))])
def test_a_training_step_keeps_its_samples_when_asked_to(small, build, divisor, size):
    preprocessor = small['model']['data_preprocessor'] | dict(pad_size_divisor=divisor)
    batch = make_batch((True, False), size=size)
    plain, model = (build(data_preprocessor=preprocessor) for _ in range(2))
    expected = plain.train_step(batch, make_wrappers(plain))
    assert plain.take_training_samples() is None
    model.keep_next_samples()
    found = model.train_step(batch, make_wrappers(model))
    assert found.keys() == expected.keys()
    assert all(torch.equal(value, expected[name]) for name, value in found.items())
    samples = model.take_training_samples()
    assert model.take_training_samples() is None
    for sample, given in zip(samples, batch['data_samples'], strict=True):
        output, hole = sample.output, (given.mask == 1).expand(3, -1, -1)
        assert torch.equal(sample.gt_img, given.gt_img.float())
        assert torch.equal(sample.mask, given.mask.float())
        assert torch.equal(sample.gt_seg, given.gt_seg)
        assert sample.gt_path == given.gt_path
        assert output.round_imgs.shape == (3, 3, *size)
        assert not output.round_imgs.requires_grad
        assert all(
            torch.equal(one[~hole], given.gt_img[~hole].float()) for one in output.round_imgs
        )
        assert output.round_segs.shape == (2, *size)
    labelled, unlabelled = (sample.output for sample in samples)
    assert 'teacher_seg' not in labelled
    assert unlabelled.teacher_seg.shape == unlabelled.teacher_weight.shape == size
    assert 0 <= unlabelled.teacher_seg.min() <= unlabelled.teacher_seg.max() < 5
    assert 0 <= unlabelled.teacher_weight.min() <= unlabelled.teacher_weight.max() <= 1
    model.train_step(batch, make_wrappers(model))
    assert model.take_training_samples() is None, 'one step was asked for'


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
def test_predictions_are_bgr_whatever_the_network_reads(small, build, order):
    preprocessor = small['model']['data_preprocessor'] | dict(output_channel_order=order)
    model = make_effective(build(data_preprocessor=preprocessor)).eval()
    batch = make_batch()
    assert model.loop.to_segmentor.flip == (order == 'BGR')
    for sample, given in zip(model.val_step(batch), batch['data_samples'], strict=True):
        hole = (given.mask == 1).expand(3, -1, -1)
        for image in [*sample.output.round_imgs, sample.input]:
            assert torch.equal(image[~hole], given.gt_img[~hole].float())


def test_padding_is_undone_in_the_prediction(small, build):
    preprocessor = small['model']['data_preprocessor'] | dict(pad_size_divisor=8)
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


@pytest.mark.parametrize('rounds', [0, 1, 2, 3])
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


@pytest.mark.parametrize(
    ('settings', 'message'),
    [
        (
            dict(train_cfg=dict(rounds=-1)),
            r'train_cfg\.rounds must be a whole number of 0 or more, got -1',
        ),
        (
            dict(train_cfg=dict(round=3, label_mixin=True)),
            r"train_cfg takes rounds, .*, checkpoint_rounds; found \['label_mixin', 'round'\]",
        ),
        (
            dict(test_cfg=dict(rounds=-2)),
            r'test_cfg\.rounds must be a whole number of 0 or more, got -2',
        ),
        (
            dict(test_cfg=dict(label_mixing=True)),
            r"test_cfg takes rounds, map_temperature; found \['label_mixing'\]",
        ),
        (dict(test_cfg=dict(map_temperature=0)), 'map_temperature must be positive, got 0'),
        (
            dict(train_cfg=dict(only_last_learns=True), detach_rounds=False),
            'train_cfg.only_last_learns=True needs detach_rounds=True',
        ),
    ],
)
def test_settings_that_cannot_be_are_refused(build, settings, message):
    with pytest.raises(ValueError, match=message):
        build(**settings)


def test_settings_that_are_left_out_have_defaults(build):
    model = build(train_cfg=dict(rounds=1), test_cfg=dict(map_temperature=0.5))
    assert model.rounds == model.test_rounds == 1
    assert model.loop.map_temperature == 0.5
    assert (model.only_last_learns, model.label_mixing) == (False, False)
    model = build(train_cfg=dict(only_last_learns=True, label_mixing=True), test_cfg=None)
    assert model.rounds == model.test_rounds == 2
    assert model.loop.map_temperature == 1
    assert (model.only_last_learns, model.label_mixing) == (True, True)


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


LAST = dict(train_cfg=dict(rounds=3, only_last_learns=True))


@pytest.mark.parametrize('parts', [{}, dict(feedback=None, recorrection=None)])
def test_when_only_the_last_round_learns_the_others_have_no_losses(small, build, parts):
    parts = parts | small['perceptual']
    some, every = (
        make_effective(build(**parts, train_cfg=one)) for one in (LAST['train_cfg'], dict(rounds=3))
    )
    data = some.data_preprocessor(make_batch(), True)
    found, expected = (model(**data, mode='loss') for model in (some, every))
    if 'feedback' in parts:  # one map for all rounds, which learns in the first that learns
        expected |= {
            name.replace('round1', 'round3'): value
            for name, value in expected.items()
            if name.startswith('round1') and name.replace('round1', 'round3') not in expected
        }
    assert found.keys() == {name for name in expected if name.startswith(('round0', 'round3'))}
    assert 'round3_loss_consistency' in found
    assert all(torch.equal(found[name], expected[name]) for name in found)


def test_discriminator_sees_the_rounds_that_learn(small, build):
    model = build(**small['adversarial'], **LAST)
    seen, rounds = [], []
    model.disc.register_forward_pre_hook(lambda module, args: seen.append(args[0].detach()))
    model.generator.register_forward_hook(lambda module, args, results: rounds.extend(results))
    losses = model.train_step(make_batch(), make_wrappers(model))
    assert 'round1_loss_l1_hole' not in losses
    assert len(rounds) == 4
    data = model.data_preprocessor(make_batch(), True)['data_samples']
    fakes = [rounds[index].composite for index in (0, 3)]
    for images, expected in zip(seen, ([data.gt_img, *fakes], fakes), strict=True):
        assert torch.equal(images[:, :3], torch.cat(expected))
        assert torch.equal(images[:, 3:], data.mask.repeat(len(expected), 1, 1, 1))


def test_every_part_learns_when_only_the_last_round_does(small, build):
    """In each turn of a cycle of the rounds."""
    model = build(**small['adversarial'], train_cfg=dict(only_last_learns=True, label_mixing=True))
    wrappers = make_wrappers(model)
    for rounds in (1, 2, 1, 2):
        model.set_feedback(1.0, rounds)
        model.train_step(make_batch(), wrappers)
        model.update_class_memory()
    learning = {name for name, _ in model.named_parameters() if name.startswith('generator.')}
    for rounds in (1, 2):
        model.zero_grad()
        data = model.data_preprocessor(make_batch(), True)
        sum(model(**data, mode='loss', rounds=rounds).values()).backward()
        parameters = model.named_parameters()
        reached = {name for name, p in parameters if p.grad is not None and p.grad.any()}
        assert learning <= reached, f'no gradient: {sorted(learning - reached)}'


@pytest.fixture
def mixed_labels():
    """Trains a model one step; gives what is mixed into its maps, and the batch it learnt from."""

    def train(model, batch):
        given, samples = [], []
        model.generator.register_forward_pre_hook(
            lambda module, args, kwargs: given.append(kwargs.get('label_map')), with_kwargs=True
        )
        model.losses.register_forward_pre_hook(lambda module, args: samples.append(args[1]))
        model.train_step(batch, make_wrappers(model))
        (label_map,), (data_samples,) = given, samples
        return label_map, data_samples

    return train


MIXING = dict(train_cfg=dict(rounds=2, label_mixing=True))


def test_mixed_labels_are_true_where_known_and_the_teachers_elsewhere(build, mixed_labels):
    model, said = build(**MIXING), []
    model.teacher.register_forward_hook(lambda module, args, labels: said.append(labels))
    batch = make_batch((False, True, False))
    batch['data_samples'][1].gt_seg[:, :5] = 255
    label_map, samples = mixed_labels(model, batch)
    (pseudo_labels,) = said  # asked once for the mixture and for the losses
    assert label_map.shape == (3, 1, 16, 16)
    assert torch.equal(label_map[1], batch['data_samples'][1].gt_seg)
    assert torch.equal(label_map[[0, 2], 0], pseudo_labels.label)
    assert not torch.equal(pseudo_labels.label[0], pseudo_labels.label[1])
    assert (samples.gt_seg[[0, 2]] == 255).all(), 'pseudo labels must not pass for true ones'


@pytest.mark.parametrize(('trust', 'taken'), [(0.0, False), (0.3, False), (0.5, True), (1.0, True)])
def test_pseudo_labels_are_mixed_in_as_often_as_they_are_trusted(
    build, mixed_labels, monkeypatch, trust, taken
):
    drawn = 0.0 if trust == 0 else 0.4
    monkeypatch.setattr(torch, 'rand_like', lambda like: torch.full_like(like, drawn))
    model = build(**MIXING)
    model.teacher.trust.fill_(trust)
    label_map, _ = mixed_labels(model, make_batch((True, False)))
    assert (label_map[0] != 255).all()
    assert ((label_map[1] != 255) == taken).all()


@pytest.mark.parametrize('kind', BATCHES)
@pytest.mark.parametrize('parts', [{}, dict(loss_consistency=None)])
def test_labels_of_every_kind_of_batch_are_mixed(build, mixed_labels, kind, parts):
    model = build(**MIXING, **parts)
    label_map, samples = mixed_labels(model, make_batch(BATCHES[kind]))
    for labels, flag in zip(label_map, samples.is_labeled, strict=True):
        assert ((labels != 255) == (flag or 'loss_consistency' not in parts)).all()


@pytest.mark.parametrize(
    'parts',
    [
        dict(),
        dict(train_cfg=dict(rounds=0, label_mixing=True)),
        dict(MIXING, segmentor=None, feedback=None, recorrection=None),
    ],
)
def test_nothing_is_mixed_unless_asked_for_and_a_map_is_read(build, mixed_labels, parts):
    label_map, _ = mixed_labels(build(**parts), make_batch())
    assert label_map is None


def test_mixed_labels_change_the_last_image_in_training_and_nothing_else(build):
    """The map of the last round is judged as it was found; predictions see no labels."""
    mixed, plain = (make_effective(build(**parts)) for parts in (MIXING, {}))
    data = mixed.data_preprocessor(make_batch(), True)
    found, expected = (model(**data, mode='loss') for model in (mixed, plain))
    changed = {name for name in expected if not torch.equal(found[name], expected[name])}
    assert changed == {f'round2_{name}' for name in PIXEL}
    one, other = (model.eval().val_step(make_batch())[0].output for model in (mixed, plain))
    assert torch.equal(one.round_imgs, other.round_imgs)


def test_mixed_labels_fit_a_padded_batch(small, build, mixed_labels):
    preprocessor = small['model']['data_preprocessor'] | dict(pad_size_divisor=8)
    model = build(**MIXING, data_preprocessor=preprocessor)
    label_map, _ = mixed_labels(model, make_batch((True, False), size=(12, 18)))
    assert label_map.shape == (2, 1, 16, 24)
    assert (label_map[0, :, :12, :18] != 255).all()
    assert (label_map[0, :, 12:] == 255).all()
    assert (label_map[0, :, :, 18:] == 255).all()


ABLATIONS = {
    'no semantics': dict(segmentor=None, feedback=None, recorrection=None, memory=None),
    'no semantics, leftovers': dict(segmentor=None, feedback=None, recorrection=None),
    'one-way': dict(feedback=None, recorrection=None),
    'one-way with recorrection': dict(feedback=None),
    'feedback without recorrection': dict(recorrection=None),
    'supervised only': dict(loss_consistency=None),
    'no prototypes': dict(loss_prototype=None, recorrection=None),
    'images only': dict(loss_segmentation=None, loss_consistency=None, loss_prototype=None),
    'no valid loss': dict(loss_l1_valid=None),
    'through all rounds': dict(detach_rounds=False),
    'no rounds': dict(train_cfg=dict(rounds=0)),
    'last round, mixed labels': dict(
        train_cfg=dict(rounds=2, only_last_learns=True, label_mixing=True)
    ),
    'last round, mixed labels, one-way': dict(
        feedback=None,
        recorrection=None,
        train_cfg=dict(rounds=2, only_last_learns=True, label_mixing=True),
    ),
    'mixed labels, supervised only': dict(
        loss_consistency=None, train_cfg=dict(rounds=2, label_mixing=True)
    ),
    'mixed labels, no semantics': dict(
        segmentor=None,
        feedback=None,
        recorrection=None,
        train_cfg=dict(rounds=2, only_last_learns=True, label_mixing=True),
    ),
    'mixed labels, no rounds': dict(train_cfg=dict(rounds=0, label_mixing=True)),
}


@pytest.mark.parametrize('name', ABLATIONS)
@pytest.mark.parametrize('critics', [(), ('adversarial',), ('perceptual',)])
def test_every_ablation_builds_trains_and_predicts(small, build, name, critics):
    parts = ABLATIONS[name]
    for critic in critics:
        parts = parts | small[critic]
    model = build(**parts)
    losses = model.train_step(make_batch(), make_wrappers(model))
    model.update_class_memory()
    assert all(torch.isfinite(torch.as_tensor(value)).all() for value in losses.values())
    assert ('loss_gan' in losses) == ('adversarial' in critics)
    assert ('round0_loss_perceptual' in losses) == ('perceptual' in critics)
    assert (model.teacher is None) == (not {'segmentor', 'loss_consistency'}.isdisjoint(parts))
    has_map = any('segmentation' in key for key in losses)
    rounds = parts.get('train_cfg', dict(rounds=2))['rounds']
    assert has_map == (name != 'images only' and rounds > 0 and 'segmentor' not in parts)
    output = model.eval().val_step(make_batch())[0].output
    assert output.round_imgs.shape == (rounds + 1, 3, 16, 16)
    assert ('round_segs' in output) == ('segmentor' not in parts and rounds > 0)


def test_ground_truth_guides_where_it_is_known(build):
    model = build(guide_by_ground_truth=True, feedback=None, recorrection=None)
    losses = model.train_step(make_batch(), make_wrappers(model))
    assert all(torch.isfinite(torch.as_tensor(value)).all() for value in losses.values())
    batch = make_batch()
    samples = model.eval().val_step(batch)
    free = build(feedback=None, recorrection=None).eval()
    free.load_state_dict(model.state_dict())
    for sample, other in zip(samples, free.val_step(make_batch()), strict=True):
        known = sample.gt_seg[0] != 255
        for found in sample.output.round_segs:
            assert torch.equal(found[known], sample.gt_seg[0][known])
        unknown_map = sample.output.round_segs[0][~known]
        assert torch.equal(unknown_map, other.output.round_segs[0][~known])


def test_ground_truth_that_is_missing_is_named(build):
    model = build(guide_by_ground_truth=True)
    data = model.data_preprocessor(make_batch())
    del data['data_samples'].gt_seg
    with pytest.raises(ValueError, match=r'guide_by_ground_truth=True needs gt_seg.*mask'):
        model(**data, mode='predict')


def dictating(batch, name='dictated_seg'):
    """The batch with class 3 dictated in the left half of its first image."""
    dictated = torch.full(batch['data_samples'][0].gt_seg.shape, 255)
    dictated[..., : dictated.shape[-1] // 2] = 3
    batch['data_samples'][0].set_data({name: dictated})
    return batch


@pytest.mark.parametrize('divisor', [1, 8])
def test_a_dictated_map_is_taken_over_in_every_round(small, build, divisor):
    preprocessor = small['model']['data_preprocessor'] | dict(pad_size_divisor=divisor)
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


def test_a_dictated_map_acts_in_mode_tensor_and_not_in_training(build):
    model = make_effective(build()).eval()
    plain = model.data_preprocessor(make_batch(), True)
    dictated = model.data_preprocessor(dictating(make_batch()), True)
    _, own = model(**plain, mode='tensor')
    _, told = model(**dictated, mode='tensor')
    assert not torch.equal(own[0], told[0])
    assert torch.equal(own[1], told[1])
    losses = [model(**data, mode='loss') for data in (plain, dictated)]
    assert all(torch.equal(losses[0][name], losses[1][name]) for name in losses[0])


def test_a_dictated_map_goes_before_the_ground_truth(build):
    model = build(guide_by_ground_truth=True).eval()
    sample = model.val_step(dictating(make_batch((True,))))[0]
    assert (sample.output.round_segs[:, :, :8] == 3).all()
    assert torch.equal(sample.output.round_segs[0, :, 8:], sample.gt_seg[0, :, 8:])


def test_a_map_dictated_to_a_model_without_semantics_is_refused(build):
    model = build(segmentor=None, feedback=None, recorrection=None).eval()
    with pytest.raises(ValueError, match='a map is dictated, but the model has no segmentor'):
        model.val_step(dictating(make_batch()))


def test_negative_rounds_are_refused(build):
    model = build().eval()
    with pytest.raises(ValueError, match='rounds must be a number of 0 or more, got -1'):
        model(**model.data_preprocessor(make_batch()), mode='predict', rounds=-1)


def test_prediction_stops_early(build):
    """With a tolerance of everything, round 2 never runs; round 1 always does."""
    model = make_effective(build()).eval()
    data = model.data_preprocessor(make_batch(), False)
    full = model(**data, mode='predict', rounds=3)[0].output
    early = model(**data, mode='predict', rounds=3, tolerance=1.0)[0].output
    assert early.round_imgs.shape[0] == 2
    assert torch.equal(early.round_imgs, full.round_imgs[:2])
    assert torch.equal(early.pred_img, full.round_imgs[1])


@pytest.mark.parametrize('slot', ['initial', 'guided'])
def test_networks_of_mmagic_fit_each_slot(build, slot):
    model = build(**{slot: GL})
    before = parameters_of(getattr(model.loop, slot))
    losses = model.train_step(make_batch(), make_wrappers(model, lr=1e-3))
    assert all(torch.isfinite(torch.as_tensor(value)).all() for value in losses.values())
    after = parameters_of(getattr(model.loop, slot))
    assert any(not torch.equal(before[name], after[name]) for name in before)
    batch = make_batch()
    for sample, given in zip(model.eval().val_step(batch), batch['data_samples'], strict=True):
        hole = (given.mask == 1).expand(3, -1, -1)
        assert torch.equal(sample.output.pred_img[~hole], given.gt_img[~hole].float())


def test_networks_of_mmagic_fit_both_slots_at_once(build):
    model = build(initial=GL, guided=GL)
    model.train_step(make_batch(), make_wrappers(model, lr=1e-3))
    assert model.eval().val_step(make_batch())[0].output.round_imgs.shape == (3, 3, 16, 16)


def test_two_accumulated_halves_equal_the_whole_batch(build):
    """Comparable exactly where a loss is a mean over parts of equal size.

    That is: normalisation in evaluation mode, the same hole in every image, as many labelled
    samples in each half, an empty memory (so all pseudo labels count the same and the prototype
    loss is 0) and no discriminator (which is updated before the second half in one case only).
    """
    whole, halves = build().eval(), build().eval()
    whole.train_step(make_batch((True, False) * 2), make_wrappers(whole))
    wrappers = make_wrappers(halves, accumulative_counts=2)
    start = parameters_of(halves)
    halves.train_step(make_batch((True, False)), wrappers)
    for name, value in parameters_of(halves).items():
        assert torch.equal(value, start[name]), f'{name} was updated before the second half'
    halves.train_step(make_batch((True, False), first=2), wrappers)
    expected = parameters_of(whole)
    assert any(not torch.equal(expected[name], start[name]) for name in start)
    for name, value in parameters_of(halves).items():
        torch.testing.assert_close(value, expected[name], rtol=1e-5, atol=1e-6)


def test_losses_alone_feed_the_class_memory_too_in_training(build):
    """A plain distributed wrapper of mmengine passes by the model's own train_step."""
    model = make_effective(build())
    data = model.data_preprocessor(make_batch(), True)
    model.eval()(**data, mode='loss')
    assert model.update_class_memory() is None
    before = model.loop.memory.prototypes.clone()
    model.train()(**data, mode='loss')
    assert model.update_class_memory().is_labeled.tolist() == [True, False]
    assert not torch.equal(model.loop.memory.prototypes, before)


def test_accumulated_halves_move_the_class_memory_as_the_whole_batch(build):
    """With class memory and recorrection in effect, over two steps of the optimiser.

    Exact with the same labels in each half, so that every class has the same area in both.
    """

    def batch(first, count):
        made = make_batch((True,) * count, first=first)
        for index, sample in enumerate(made['data_samples']):
            sample.gt_seg = make_batch((True, True))['data_samples'][index % 2].gt_seg
        return made

    whole, halves = (make_effective(build()).eval() for _ in range(2))
    one = make_wrappers(whole, lr=0.01)
    several = make_wrappers(halves, lr=0.01, accumulative_counts=2)
    for step in range(2):
        whole.train_step(batch(4 * step, 4), one)
        whole.update_class_memory()
        for half in range(2):
            before = halves.loop.memory.prototypes.clone()
            halves.train_step(batch(4 * step + 2 * half, 2), several)
            assert halves.update_class_memory().is_whole == (half == 1)
            assert torch.equal(halves.loop.memory.prototypes, before) == (half == 0)
    for name, value in halves.state_dict().items():
        torch.testing.assert_close(value, whole.state_dict()[name], rtol=1e-4, atol=1e-5, msg=name)


@pytest.mark.parametrize('part', ['generator', 'disc'])
def test_clipping_limits_the_whole_update(small, build, part):
    steps = {}
    for limit in (None, 1e-3):
        model = build(**small['adversarial'])
        clip = None if limit is None else dict(max_norm=limit)
        before = parameters_of(getattr(model, part))
        model.train_step(make_batch(), make_wrappers(model, lr=1.0, clip_grad=clip))
        after = parameters_of(getattr(model, part))
        steps[limit] = torch.stack([(after[k] - before[k]).norm() for k in before]).norm()
    assert steps[None] > 2e-3
    torch.testing.assert_close(steps[1e-3], torch.tensor(1e-3), rtol=1e-2, atol=0)


def trained(model, steps=2):
    """The model after some steps of all its losses, with the class memory moving."""
    wrappers = make_wrappers(model, lr=0.01)
    for _ in range(steps):
        model.train_step(make_batch(), wrappers)
        model.update_class_memory()
    return model


SWITCHES = {
    'checkpoint_rounds': dict(train_cfg=dict(checkpoint_rounds=True)),
    'channels_last': dict(channels_last=True),
    'both': dict(train_cfg=dict(checkpoint_rounds=True), channels_last=True),
}


@pytest.fixture(scope='module')
def trained_plainly(repository):
    small = Config.fromfile(repository / 'tests/small_inpaintor.py').to_dict()
    torch.manual_seed(0)
    return trained(MODELS.build(small['model'] | small['adversarial'] | small['perceptual']))


@pytest.mark.parametrize('switch', SWITCHES)
def test_switches_of_speed_and_memory_change_no_number(small, build, trained_plainly, switch):
    model = trained(build(**small['adversarial'], **small['perceptual'], **SWITCHES[switch]))
    assert_same_state(model, trained_plainly)


def test_compiled_networks_learn_the_same(small, build, trained_plainly):
    """By torch's tracing alone; the tracing of gradients and inductor would take a minute."""
    graphs = []

    def backend(graph, inputs):
        graphs.append(graph)
        return graph.forward

    options = dict(compile_networks=dict(backend=backend), train_cfg=dict(checkpoint_rounds=True))
    model = build(**small['adversarial'], **small['perceptual'], **options)
    assert_same_state(trained(model), trained_plainly)
    assert len(graphs) >= 5, 'two inpainters, discriminator, bodies of student and teacher'


def assert_same_state(model, other):
    expected = other.state_dict()
    assert model.state_dict().keys() == expected.keys(), 'checkpoints would not fit'
    for name, value in model.state_dict().items():
        torch.testing.assert_close(value, expected[name], rtol=1e-3, atol=1e-5, msg=name)


def test_weights_and_activations_are_channels_last(build):
    model = build(channels_last=True)
    weights = [p for p in model.parameters() if p.dim() == 4 and p.shape[1] > 1]
    formats = []

    def look(module, args, output):
        formats.append(output.is_contiguous(memory_format=torch.channels_last))

    for network in (model.loop.initial, model.loop.guided, model.loop.segmentor.backbone):
        layers = [one for one in network.modules() if isinstance(one, torch.nn.Conv2d)]
        layers[0].register_forward_hook(look)
        layers[-2].register_forward_hook(look)
    model.train_step(make_batch(), make_wrappers(model))
    assert all(one.is_contiguous(memory_format=torch.channels_last) for one in weights)
    assert len(formats) == 2 + 4 + 4
    assert all(formats)


def test_a_single_wrapper_serves_a_model_without_discriminator(build):
    single, several = build(), build()
    optimizer = torch.optim.SGD(single.generator.parameters(), lr=0.1)
    single.train_step(make_batch(), OptimWrapper(optimizer))
    several.train_step(make_batch(), make_wrappers(several))
    for one, other in zip(single.parameters(), several.parameters(), strict=True):
        assert torch.equal(one, other)


def test_modes_of_forward(build):
    model = build().eval()
    data = model.data_preprocessor(make_batch(), True)
    losses = model(**data, mode='loss')
    results = model.generator(data['inputs'], data['data_samples'].mask, 2)
    pseudo_labels = model._pseudo_labels(data['data_samples'])
    expected = model.generator_losses(results, data['data_samples'], pseudo_labels)
    assert losses.keys() == expected.keys()
    assert all(torch.equal(losses[name], expected[name]) for name in expected)
    raw, composite = model(**data)
    assert torch.equal(raw, results[-1].raw)
    assert torch.equal(composite, results[-1].composite)
    with pytest.raises(ValueError, match=r"mode must be 'tensor', 'predict' or 'loss', got 'test'"):
        model(**data, mode='test')


def test_rounds_can_be_asked_for_in_every_mode(build):
    model = make_effective(build()).eval()
    data = model.data_preprocessor(make_batch(), True)
    assert 'round2_loss_l1_hole' not in model(**data, mode='loss', rounds=1)
    _, composite = model(**data, mode='tensor', rounds=0)
    expected = model.generator(data['inputs'], data['data_samples'].mask, 0)[0].composite
    assert torch.equal(composite, expected)


@pytest.mark.parametrize('given', ['disc', 'loss_gan'])
def test_discriminator_and_its_loss_go_together(small, build, given):
    with pytest.raises(ValueError, match='disc and loss_gan go together: give both or neither'):
        build(**{given: small['adversarial'][given]})


def test_a_used_model_can_be_copied(build):
    """As mmengine's EMA hook does."""
    model = build()
    model.train_step(make_batch(), make_wrappers(model))
    model.update_class_memory()
    copied = copy.deepcopy(model).eval()
    expected = model.eval().val_step(make_batch())
    for one, other in zip(copied.val_step(make_batch()), expected, strict=True):
        assert torch.equal(one.output.round_imgs, other.output.round_imgs)


NO_SEMANTICS = dict(segmentor=None, feedback=None, recorrection=None)
SEMANTIC = dict(loss_semantic=dict(type='SemanticFeatureLoss', loss_weight=2.0))


@pytest.mark.parametrize('adversarial', [True, False])
def test_a_frozen_initial_network_stays_as_it_is(small, build, adversarial):
    model = build(freeze_initial=True, **(small['adversarial'] if adversarial else {}))
    before = parameters_of(model)
    assert not any(parameter.requires_grad for parameter in model.loop.initial.parameters())
    wrappers = make_wrappers(model)
    for _ in range(3):
        losses = model.train_step(make_batch(), wrappers)
    assert not [name for name in losses if name.startswith('round0_')]
    assert {f'round{r}_{name}' for r in (1, 2) for name in PIXEL} <= losses.keys()
    after = parameters_of(model)
    moved = {name for name, value in after.items() if not torch.equal(value, before[name])}
    assert not [name for name in moved if name.startswith(('generator.initial.', 'teacher.'))]
    for part in ('guided', 'confidence', 'segmentor', 'feedback'):
        assert [name for name in moved if name.startswith(f'generator.{part}.')], part
    assert any(name.startswith('disc.') for name in moved) == adversarial


def test_fakes_of_a_frozen_initial_network_are_not_judged(small, build):
    """The discriminator would learn to see what nobody can improve."""
    judged = {}
    for freeze in (True, False):
        model, seen = build(freeze_initial=freeze, **small['adversarial']), []
        model.disc.register_forward_pre_hook(lambda m, args, seen=seen: seen.append(len(args[0])))
        model.train_step(make_batch(), make_wrappers(model))
        judged[freeze] = seen
    assert judged == {True: [6, 4], False: [8, 6]}


def test_frozen_without_rounds_is_refused_in_the_middle_of_a_training_too(build):
    model = build(freeze_initial=True)
    with pytest.raises(ValueError, match=r'^freeze_initial=True and rounds=0 .*FeedbackHook'):
        model.set_feedback(1.0, 0)
    with pytest.raises(ValueError, match=r"rounds=0 \(of mode='loss'\): nothing would learn$"):
        model(**model.data_preprocessor(make_batch(), True), mode='loss', rounds=0)
    model.set_feedback(1.0, 1)
    assert model.rounds == 1


@pytest.mark.parametrize(('strength', 'rounds'), [(1.0, -1), (7.0, 2), (-0.1, 2)])
def test_feedback_out_of_range_is_refused(build, strength, rounds):
    with pytest.raises(ValueError, match=rf'got rounds={rounds}, strength={strength}$'):
        build().set_feedback(strength, rounds)


def test_a_discriminator_needs_a_wrapper_of_its_own(small, build):
    model = build(**small['adversarial'])
    with pytest.raises(TypeError, match=r'model with disc needs .*found a single OptimWrapper'):
        model.train_step(make_batch(), make_wrappers(model)['generator'])


def test_what_the_truth_replaces_is_no_correction(build):
    model = build(guide_by_ground_truth=True)
    model.train_step(make_batch(), make_wrappers(model))
    assert model.update_class_memory().corrected_share is None


def test_frozen_without_rounds_is_refused(build):
    message = r'^freeze_initial=True and rounds=0 \(of train_cfg\): nothing would learn$'
    with pytest.raises(ValueError, match=message):
        build(freeze_initial=True, train_cfg=dict(rounds=0))


def test_a_model_of_an_initial_network_alone_trains_and_predicts(build):
    model = build(
        **NO_SEMANTICS, guided=None, train_cfg=dict(rounds=0), test_cfg=dict(rounds=0)
    ).train()
    before = parameters_of(model)
    losses = model.train_step(make_batch(), make_wrappers(model))
    assert losses.keys() == {'loss', *(f'round0_{name}' for name in PIXEL)}
    after = parameters_of(model)
    for part in ('initial', 'confidence'):
        names = [name for name in after if name.startswith(f'generator.{part}.')]
        assert any(not torch.equal(after[name], before[name]) for name in names), part
    names = list(model.state_dict())
    assert [name for name in names if name.startswith('generator.initial.')]
    assert not [name for name in names if name.startswith('generator.guided.')]
    sample = model.eval().val_step(make_batch())[0]
    assert sample.output.round_imgs.shape == (1, 3, 16, 16)
    assert 'round_segs' not in sample.output


@pytest.mark.parametrize('name', ['train_cfg', 'test_cfg'])
def test_rounds_without_a_guided_network_are_refused_when_it_is_built(build, name):
    """Those of the test too, or the training would end with the first validation."""
    settings = dict(train_cfg=dict(rounds=0), test_cfg=dict(rounds=0)) | {name: dict(rounds=1)}
    with pytest.raises(ValueError, match=f'^guided=None needs {name}.rounds=0, got 1$'):
        build(**NO_SEMANTICS, guided=None, **settings)


def test_a_hook_cannot_ask_for_rounds_without_a_guided_network(build):
    model = build(**NO_SEMANTICS, guided=None, train_cfg=dict(rounds=0), test_cfg=dict(rounds=0))
    model.set_feedback(1.0, 1)
    message = '^rounds=1, but the model has no guided network: use rounds=0$'
    with pytest.raises(ValueError, match=message):
        model.train().train_step(make_batch(), make_wrappers(model))


@pytest.mark.parametrize(
    ('parts', 'expected'),
    [
        ({}, [0, 1, 2]),
        (dict(freeze_initial=True), [1, 2]),
        (dict(train_cfg=dict(only_last_learns=True)), [0, 2]),
        (dict(feedback=None, recorrection=None), [0, 1, 2]),
        (dict(train_cfg=dict(rounds=0)), [0]),
    ],
)
@pytest.mark.parametrize('kind', ['mixed', 'labelled'])
def test_the_teacher_judges_the_image_of_every_round_that_learns(build, parts, expected, kind):
    model = build(**SEMANTIC, **parts)
    model.teacher.copy_from(model.student)
    losses = model.train_step(make_batch(BATCHES[kind]), make_wrappers(model))
    found = {name: value for name, value in losses.items() if 'semantic' in name}
    assert found.keys() == {f'round{number}_loss_semantic' for number in expected}
    assert all(0 < value <= 8 for value in found.values())


def semantic_losses(model):
    """The losses by the teacher's judgement of a batch, and the rounds and sample behind them."""
    data = model.data_preprocessor(make_batch(), True)
    samples = data['data_samples']
    results = model.loop(data['inputs'], samples.mask.float(), 2)
    for result in results:
        result.raw.retain_grad()
    losses = model.generator_losses(results, samples, None)
    return {k: v for k, v in losses.items() if 'semantic' in k}, results, samples


def test_the_teacher_sees_the_composite_and_the_true_image(build):
    """Beside its feature maps, the distance is computed by another implementation."""
    model = make_effective(build(**SEMANTIC)).train()
    losses, results, samples = semantic_losses(model)
    look = model.teacher.segmentor.extract_feat
    wanted = look(model.loop.to_segmentor(samples.gt_img))
    for number, result in enumerate(results):
        found = look(model.loop.to_segmentor(result.composite))
        # |a/|a| - b/|b||^2 = 2 - 2 cos
        distances = [
            (2 - 2 * torch.cosine_similarity(a, b, dim=1)).mean()
            for a, b in zip(found, wanted, strict=True)
        ]
        assert len(distances) > 1
        expected = 2.0 * sum(distances) / len(distances)
        torch.testing.assert_close(
            losses[f'round{number}_loss_semantic'], expected, rtol=1e-4, atol=1e-5
        )


def test_the_teachers_judgement_teaches_the_inpainting_networks_only(build):
    model = make_effective(build(**SEMANTIC)).train()
    losses, results, samples = semantic_losses(model)
    losses['round1_loss_semantic'].backward()
    reached = {n for n, p in model.named_parameters() if p.grad is not None and p.grad.any()}
    assert reached
    assert all(name.startswith('generator.guided.') for name in reached)
    known = (samples.mask == 0).expand_as(results[1].raw)
    assert not results[1].raw.grad[known].any(), 'known pixels are not those of the network'
    assert results[1].raw.grad[~known].any()
    assert not model.teacher.training
    model.zero_grad()
    losses['round0_loss_semantic'].backward()
    reached = {n for n, p in model.named_parameters() if p.grad is not None and p.grad.any()}
    assert reached
    assert all(name.startswith('generator.initial.') for name in reached)


def test_an_image_that_equals_the_true_one_costs_nothing(build):
    model = make_effective(build(**SEMANTIC)).train()
    _, results, samples = semantic_losses(model)
    hole = (samples.mask == 1).expand_as(samples.gt_img)
    perfect = [replace(result, composite=samples.gt_img.clone()) for result in results]
    changed = samples.gt_img.where(~hole, -samples.gt_img)
    perfect[2] = replace(results[2], composite=changed)
    losses = model.generator_losses(perfect, samples, None)
    assert losses['round0_loss_semantic'] == losses['round1_loss_semantic'] == 0
    assert losses['round2_loss_semantic'] > 0


@pytest.mark.parametrize('trust', [0.0, 0.25])
def test_the_teachers_judgement_counts_as_far_as_it_is_trusted(build, trust):
    model = make_effective(build(**SEMANTIC)).train()
    full, *_ = semantic_losses(model)
    model.teacher.trust.fill_(trust)
    found, *_ = semantic_losses(model)
    assert found.keys() == full.keys()
    for name, value in found.items():
        torch.testing.assert_close(value, trust * full[name])


def test_the_teacher_judges_images_without_pseudo_labels(build):
    model = build(**SEMANTIC, loss_consistency=None)
    hook, runner = MeanTeacherHook(momentum=0.5, ramp=4), SimpleNamespace(model=model, iter=0)
    hook.before_train(runner)
    before = parameters_of(model.teacher)
    for runner.iter in range(3):
        hook.before_train_iter(runner, runner.iter)
        model.keep_next_samples()
        losses = model.train_step(make_batch(), make_wrappers(model))
        hook.after_train_iter(runner, runner.iter)
        assert (losses['round2_loss_semantic'] > 0) == (model.teacher.trust > 0)
    assert model.teacher.trust > 0
    assert not [name for name in losses if 'consistency' in name]
    assert all('teacher_seg' not in one.output for one in model.take_training_samples())
    moved = [not torch.equal(v, before[k]) for k, v in parameters_of(model.teacher).items()]
    assert any(moved)


def test_no_teacher_where_nothing_needs_one(build):
    assert build(loss_consistency=None).teacher is None
    assert build(loss_consistency=None, **SEMANTIC).teacher is not None
    assert build().teacher is not None


def test_judging_images_needs_a_segmentor(build):
    message = '^loss_semantic needs a segmentor: give one, or set both to None$'
    with pytest.raises(ValueError, match=message):
        build(**NO_SEMANTICS, **SEMANTIC)


LAYOUT = dict(
    recorrection=dict(
        type='CrossImageRecorrection',
        base_channels=4,
        layout=dict(type='LayoutMemory', capacity=8, size=16, coarse_size=4),
    )
)


def test_layouts_of_labelled_images_are_remembered_after_each_iteration(build):
    model = build(**LAYOUT)
    layout = model.loop.layout_memory
    assert layout.num_classes == 5
    wrappers = make_wrappers(model)
    for first in (0, 2):
        model.train_step(make_batch((True, False), first=first), wrappers)
        model.update_class_memory()
    expected = [crc32(f'folder/{index:03d}.png'.encode()) for index in (0, 2)]
    assert layout.keys[:3].tolist() == [*expected, NO_KEY]
    labels = torch.stack([s.gt_seg[0] for s in make_batch((True,), first=2)['data_samples']])
    assert torch.equal(layout.labels[1], labels[0].to(torch.uint8))


def test_no_image_is_told_its_own_labels_in_training_or_test(build):
    model = build(**LAYOUT)
    asked = []
    model.loop.layout_memory.register_forward_pre_hook(lambda module, args: asked.append(args[2]))
    model.train_step(make_batch(), make_wrappers(model))
    model.eval().val_step(make_batch())
    own = [crc32(f'folder/{index:03d}.png'.encode()) for index in (0, 1)]
    assert [keys.tolist() for keys in asked] == [own] * 4


def test_where_nothing_else_is_remembered_a_test_is_told_nothing(build):
    model = build(**LAYOUT).eval()
    batch = make_batch((True,))
    before = model.val_step(batch)[0].output.round_segs
    labels = torch.stack([sample.gt_seg for sample in batch['data_samples']])
    for name, is_told in (('folder/000.png', False), ('folder/001.png', True)):
        model.loop.layout_memory.update(labels, torch.tensor([crc32(name.encode())]))
        model.loop.recorrection.layout_weight = 1.0
        after = model.val_step(batch)[0].output.round_segs
        assert torch.equal(before, after) != is_told


def test_without_recorrection_there_are_no_layouts(build):
    model = build(recorrection=None)
    model.train_step(make_batch(), make_wrappers(model))
    assert model.update_class_memory() is not None
