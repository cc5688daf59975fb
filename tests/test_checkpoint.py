import pytest
import torch
from mmengine.logging import MMLogger
from torch import nn

from fbinpaint_mm.checkpoint import check_fits, load_fitting_checkpoint


def inpaintor():
    return nn.ModuleDict(dict(generator=nn.Linear(5, 3), disc=nn.Linear(1, 1)))


@pytest.fixture
def save(tmp_path):
    def write(state):
        path = str(tmp_path / 'x.pth')
        torch.save(dict(state_dict=state), path)
        return path

    return write


def test_weights_are_loaded(save):
    given, model = inpaintor(), inpaintor()
    load_fitting_checkpoint(model, save(given.state_dict()))
    assert all(one.equal(given.state_dict()[name]) for name, one in model.state_dict().items())


def test_names_of_a_distributed_run_and_a_missing_discriminator_do_not_matter(save):
    given, model = inpaintor(), inpaintor()
    state = {f'module.generator.{k}': v for k, v in given.generator.state_dict().items()}
    load_fitting_checkpoint(model, save(state))
    assert model.generator.weight.equal(given.generator.weight)


def test_a_checkpoint_of_another_model_is_refused(save):
    message = (
        r"2 of 2 entries do not fit, first 'generator.weight': found \(3, 2\), expected \(3, 5\)"
    )
    with pytest.raises(ValueError, match=message):
        check_fits(inpaintor(), save({'generator.weight': torch.zeros(3, 2)}))
    with pytest.raises(ValueError, match='found nothing'):
        load_fitting_checkpoint(inpaintor(), save({'weight': torch.zeros(3, 5)}))


def test_up_to_five_entries_that_do_not_fit_are_named(save):
    """Also those for which the model has no place: they are another model's."""
    state = inpaintor().state_dict()
    with pytest.raises(
        ValueError, match=r"1 of 3 entries.*'generator.more': found \(2,\), expe.* no"
    ):
        check_fits(inpaintor(), save(state | {'generator.more': torch.zeros(2)}))
    check_fits(inpaintor(), save(state | {'teacher.more': torch.zeros(2)}))
    more = {f'generator.{index}': torch.zeros(1) for index in range(7)}
    with pytest.raises(
        ValueError, match=r"7 of 9 entries.*'generator.4'.*; and 2 more\. Use the c"
    ):
        check_fits(inpaintor(), save(state | more))


def test_feedback_that_the_config_switches_off_is_left_out_with_a_warning(save):
    state, feedback = inpaintor().state_dict(), {'generator.feedback.w': torch.zeros(2)}
    logger = MMLogger.get_instance('switched off', logger_name='switched off')
    records = []
    logger.addFilter(lambda record: records.append(record.getMessage()) or True)
    check_fits(inpaintor(), save(state | feedback))
    assert records == [
        'generator.feedback of the checkpoint is left out: the config switches it off'
    ]
    # ... but not where the model has a feedback of its own.
    with_feedback = inpaintor()
    with_feedback.generator.feedback = nn.Linear(1, 1)
    with pytest.raises(ValueError, match=r"'generator\.feedback\.w': found \(2,\), expected no"):
        check_fits(with_feedback, save(with_feedback.state_dict() | feedback))


def test_a_file_that_is_no_checkpoint_is_named(tmp_path):
    path = tmp_path / 'x.pth'
    path.write_bytes(b'no checkpoint')
    with pytest.raises(ValueError, match=r"checkpoint '.*x\.pth' cannot be read"):
        check_fits(inpaintor(), str(path))


def test_a_model_without_a_generator_has_to_fit_as_a_whole(save):
    model = nn.Linear(2, 2)
    check_fits(model, save(model.state_dict()))
    with pytest.raises(ValueError, match="1 of 2 entries do not fit, first 'bias'"):
        check_fits(model, save({'weight': model.weight.detach()}))
