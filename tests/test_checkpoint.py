import logging

import pytest
import torch
from mmagic.registry import MODELS
from mmengine.config import Config
from mmengine.logging import MMLogger
from torch import nn

from fbinpaint_mm.checkpoint import (
    check_checkpoint,
    check_fits,
    check_fits_in_part,
    load_fitting_checkpoint,
    meta_of,
    parts_without_weights,
    read_weights,
    trained_classes,
)
from fbinpaint_mm.user_error import UserError


def inpaintor():
    return nn.ModuleDict(dict(generator=nn.Linear(5, 3), disc=nn.Linear(1, 1)))


@pytest.fixture
def save(tmp_path):
    def write(state):
        path = str(tmp_path / 'x.pth')
        torch.save(dict(state_dict=state), path)
        return path

    return write


@pytest.fixture
def records():
    """The warnings of the log."""
    logger = MMLogger.get_instance('checkpoint', logger_name='checkpoint')
    messages, kept = [], logger.filters[:]

    def keep_warning(record):
        if record.levelno == logging.WARNING:
            messages.append(record.getMessage())
        return True

    logger.addFilter(keep_warning)
    yield messages
    logger.filters[:] = kept


@pytest.fixture
def build(repository):
    """Makes the small inpaintor."""
    small = Config.fromfile(repository / 'tests/small_inpaintor.py').model
    return lambda: MODELS.build(small.to_dict())


def test_missing_checkpoint_is_named_with_those_beside_it(tmp_path):
    (tmp_path / 'iter_10.pth').touch()
    check_checkpoint(str(tmp_path / 'iter_10.pth'))
    with pytest.raises(
        FileNotFoundError, match=r'does not exist\. In that folder are: iter_10\.pth'
    ):
        check_checkpoint(str(tmp_path / 'iter_20.pth'))


def test_a_folder_in_the_place_of_a_checkpoint_is_told_as_such(tmp_path):
    (tmp_path / 'iter_10.pth').touch()
    message = r': found a folder, expected a file\. In that folder are: iter_10\.pth$'
    with pytest.raises(UserError, match=message):
        check_checkpoint(str(tmp_path))


def test_address_of_a_checkpoint_is_left_to_mmengine():
    check_checkpoint('https://example.org/iter_10.pth')


def test_weights_are_loaded(save):
    given, model = inpaintor(), inpaintor()
    load_fitting_checkpoint(model, save(given.state_dict()))
    assert all(one.equal(given.state_dict()[name]) for name, one in model.state_dict().items())


def test_weights_of_the_format_before_zip_files_are_loaded(tmp_path):
    given, model = inpaintor(), inpaintor()
    path = tmp_path / 'old.pth'
    torch.save(given.state_dict(), path, _use_new_zipfile_serialization=False)
    load_fitting_checkpoint(model, str(path), ['sky'])
    assert model.generator.weight.equal(given.generator.weight)


def test_weights_of_other_classes_are_refused(tmp_path):
    given, model, path = inpaintor(), inpaintor(), str(tmp_path / 'classes.pth')
    meta = dict(dataset_meta=dict(classes=['sky', 'road']))
    torch.save(dict(state_dict=given.state_dict(), meta=meta), path)
    load_fitting_checkpoint(model, path, ['sky', 'road'])
    load_fitting_checkpoint(model, path)
    with pytest.raises(UserError, match=r'other classes .* found sky, road; expected sky, tree$'):
        load_fitting_checkpoint(model, path, ['sky', 'tree'])


def test_names_of_a_distributed_run_and_a_missing_discriminator_do_not_matter(save):
    given, model = inpaintor(), inpaintor()
    state = {f'module.generator.{k}': v for k, v in given.generator.state_dict().items()}
    load_fitting_checkpoint(model, save(state))
    assert model.generator.weight.equal(given.generator.weight)


def test_a_checkpoint_of_another_model_is_refused(save):
    message = (
        r"2 of 2 entries do not fit, first 'generator.weight': found \(3, 2\), expected \(3, 5\)"
    )
    with pytest.raises(UserError, match=message):
        check_fits(inpaintor(), save({'generator.weight': torch.zeros(3, 2)}))
    with pytest.raises(UserError, match='found nothing'):
        load_fitting_checkpoint(inpaintor(), save({'weight': torch.zeros(3, 5)}))


def test_up_to_five_entries_that_do_not_fit_are_named(save):
    """Also those for which the model has no place: they are another model's."""
    state = inpaintor().state_dict()
    with pytest.raises(
        UserError, match=r"1 of 3 entries.*'generator.more': found \(2,\), expe.* no"
    ):
        check_fits(inpaintor(), save(state | {'generator.more': torch.zeros(2)}))
    check_fits(inpaintor(), save(state | {'teacher.more': torch.zeros(2)}))
    more = {f'generator.{index}': torch.zeros(1) for index in range(7)}
    with pytest.raises(UserError, match=r"7 of 9 entries.*'generator.4'.*; and 2 more\. Use the c"):
        check_fits(inpaintor(), save(state | more))


def test_feedback_that_the_config_switches_off_is_left_out_with_a_warning(save, records):
    state, feedback = inpaintor().state_dict(), {'generator.feedback.w': torch.zeros(2)}
    check_fits(inpaintor(), save(state | feedback))
    assert records == ['generator.feedback of the checkpoint is left out: the model has none']
    # ... but not where the model has a feedback of its own.
    with_feedback = inpaintor()
    with_feedback.generator.feedback = nn.Linear(1, 1)
    with pytest.raises(UserError, match=r"'generator\.feedback\.w': found \(2,\), expected no"):
        check_fits(with_feedback, save(with_feedback.state_dict() | feedback))


GATE = 'generator.recorrection.gate.0.weight'


def test_label_maps_of_older_checkpoints_are_left_out_with_a_warning(save, build, records):
    given, model = build(), build()
    stored = {'generator.recorrection.layout.keys': torch.tensor([7, -1])}
    load_fitting_checkpoint(model, save(given.state_dict() | stored))
    assert torch.equal(model.state_dict()[GATE], given.state_dict()[GATE])
    assert records == [
        'generator.recorrection.layout of the checkpoint is left out: the model has none'
    ]


def test_a_file_that_is_no_checkpoint_is_named(tmp_path):
    path = tmp_path / 'x.pth'
    path.write_bytes(b'no checkpoint')
    with pytest.raises(UserError, match=r"checkpoint '.*x\.pth' cannot be read"):
        check_fits(inpaintor(), str(path))


@pytest.mark.parametrize('content', [dict(state_dict=None), [1], torch.zeros(2), None, 5])
def test_a_file_without_weights_is_named(tmp_path, content):
    torch.save(content, tmp_path / 'x.pth')
    with pytest.raises(UserError, match=r"x\.pth' holds no weights: found \w+, expected a dict"):
        read_weights(str(tmp_path / 'x.pth'))


def test_a_model_without_a_generator_has_to_fit_as_a_whole(save):
    model = nn.Linear(2, 2)
    check_fits(model, save(model.state_dict()))
    with pytest.raises(UserError, match="1 of 2 entries do not fit, first 'bias'"):
        check_fits(model, save({'weight': model.weight.detach()}))


def test_a_start_of_which_nothing_fits_is_refused(save):
    model = inpaintor()
    check_fits_in_part(model, save({'generator.weight': torch.ones(3, 5), 'other': torch.ones(1)}))
    message = r"^load_from .*: '.*x\.pth': none of its 2 entries fits .* found 'generator\.weight'$"
    with pytest.raises(UserError, match=message):
        check_fits_in_part(model, save({'generator.weight': torch.ones(4), 'x': torch.ones(1)}))


def test_a_start_of_other_classes_is_refused(save):
    state = {'generator.weight': torch.ones(4, 5), 'generator.bias': torch.ones(3)}
    message = r"1 entries are of .* 'generator.weight': found \(4, 5\), expected \(3, 5\)$"
    with pytest.raises(UserError, match=message):
        check_fits_in_part(inpaintor(), save(state))


def test_parts_that_a_checkpoint_lacks_are_named():
    parts = dict(initial=nn.Linear(1, 1), segmentor=nn.Linear(1, 1), link=nn.Identity())
    model = nn.ModuleDict(dict(generator=nn.ModuleDict(parts)))
    model.update(dict(disc=nn.Linear(1, 1), teacher=nn.Linear(1, 1)))
    assert parts_without_weights(model, {'generator.initial.bias': 0}) == ['disc', 'segmentor']
    assert parts_without_weights(model, model.state_dict()) == []


@pytest.mark.parametrize(
    ('loaded', 'meta', 'classes'),
    [
        (dict(meta=dict(dataset_meta=dict(classes=['a', 'b']))), None, ('a', 'b')),
        (dict(meta=dict(dataset_meta=dict(classes='ab'))), None, ()),
        (dict(meta=dict(dataset_meta=[1])), None, ()),
        (dict(meta=None), {}, ()),
        (dict(meta=[1]), {}, ()),
        ([1], {}, ()),
    ],
)
def test_what_a_training_wrote_is_read_from_any_file(loaded, meta, classes):
    found = meta_of(loaded)
    assert found == (loaded['meta'] if meta is None else meta)
    assert trained_classes(found) == classes
