"""How the networks of the loop are built, refused, linked, saved, copied and started."""

import copy
import logging

import pytest
import torch
from mmengine.logging import MMLogger

from fbinpaint_mm.user_error import UserError
from tests.test_models.small_model import assert_same_images


@pytest.mark.parametrize('part', ['feedback', 'recorrection'])
def test_parts_that_need_a_segmentor_say_so(build_loop, part):
    message = 'need a segmentor: give one, or set all three to None, and with them the teacher'
    with pytest.raises(UserError, match=message):
        build_loop(segmentor=None, **{part: None})


@pytest.mark.parametrize('others', [dict(guided=None), dict(freeze_initial=True)])
def test_without_an_initial_network_the_guided_one_is_needed_and_learns(build_loop, others):
    with pytest.raises(
        UserError, match=r'^initial=None lets the guided network .*; found (no|a) guided'
    ):
        build_loop(initial=None, **others)


@pytest.mark.parametrize('temperature', [0, -0.5, None])
def test_a_temperature_that_is_not_positive_is_refused(build_loop, temperature):
    message = f'map_temperature must be positive, got {temperature}$'
    with pytest.raises(UserError, match=message):
        build_loop(map_temperature=temperature)


@pytest.mark.parametrize('sigma', [0, -4.0, float('inf'), True])
def test_a_sigma_that_is_not_positive_is_refused(build_loop, sigma):
    with pytest.raises(UserError, match=f'merge_sigma must be positive or None, got {sigma}$'):
        build_loop(merge_sigma=sigma)


def test_a_side_of_maps_that_is_not_positive_is_refused(build_loop):
    with pytest.raises(UserError, match=r'map_side must be positive or None, got 0$'):
        build_loop(map_side=0)


def test_auxiliary_heads_are_left_out(small, build_loop):
    segmentor = small['generator']['segmentor']
    auxiliary = dict(segmentor['decode_head'], in_index=0, in_channels=8)
    made = build_loop(segmentor=dict(segmentor, auxiliary_head=auxiliary))
    assert not [name for name in made.state_dict() if 'auxiliary' in name]


def test_a_head_that_concatenates_maps_gets_feedback_for_each(small, loop, images):
    """Such a head itself knows only the sum of their channels."""
    segmentor = small['generator']['segmentor']
    maps = dict(in_index=[0, 1], in_channels=[8, 4], input_transform='resize_concat')
    made = loop(segmentor=dict(segmentor, decode_head=segmentor['decode_head'] | maps))
    assert made.decode_head.in_channels == 12
    assert [projection.out_channels for projection in made.feedback.projections] == [8, 4]
    for projection in made.feedback.projections:
        before = made(*images, 1)[-1].semantics.logits
        torch.nn.init.zeros_(projection.weight)
        torch.nn.init.zeros_(projection.bias)
        assert not torch.equal(before, made(*images, 1)[-1].semantics.logits)


def test_linked_beforehand_and_self_linked_agree(loop, images):
    by_hook, by_itself = loop(), loop()
    by_hook.link_feedback()
    by_hook.link_feedback()
    assert_same_images(by_hook(*images, 2), by_itself(*images, 2))
    for made in (by_hook, by_itself):
        assert len(made.decode_head._forward_pre_hooks) == 1
        assert len(made.decode_head.conv_seg._forward_pre_hooks) == 1


def test_state_dict_holds_memory_and_strength_and_nothing_twice(loop):
    state = loop().state_dict()
    assert {'memory.prototypes', 'memory.updates', 'strength'} <= state.keys()
    places = [(value.data_ptr(), value.shape) for value in state.values()]
    assert len(set(places)) == len(places)
    heads = [name for name in state if 'conv_seg' in name]
    assert sorted(heads) == [
        'segmentor.decode_head.conv_seg.bias',
        'segmentor.decode_head.conv_seg.weight',
    ]


def test_state_dict_carries_everything(loop, build_loop, images):
    saved, loaded = loop(), build_loop().eval()
    saved.strength.fill_(0.25)
    loaded.load_state_dict(saved.state_dict())
    assert_same_images(saved(*images, 2), loaded(*images, 2))


@pytest.mark.parametrize('used', [False, True])
def test_a_copy_is_linked_to_its_own_head(loop, images, used):
    """An averaging hook of mmengine copies the model, linked or not."""
    made = loop()
    made.link_feedback()
    if used:
        made(*images, 1)
    copied = copy.deepcopy(made)
    before = made(*images, 2)
    assert_same_images(before, copied(*images, 2))
    with torch.no_grad():
        made.feedback.projections[0].bias += 1
        made.segmentor.decode_head.conv_seg.bias += 1
    assert_same_images(before, copied(*images, 2))
    assert not torch.equal(made(*images, 2)[2].composite, before[2].composite)


def test_a_frozen_initial_network_keeps_its_statistics(loop):
    made = loop(freeze_initial=True)
    made.initial.norm = torch.nn.BatchNorm2d(3)
    made.train()
    assert made.guided.training
    assert not made.initial.training
    assert not made.initial.norm.training


@pytest.mark.parametrize(
    ('start', 'is_warned_of'),
    [
        (None, True),
        (dict(type='Kaiming', layer='Conv2d'), True),
        (dict(type='Pretrained', prefix='initial'), False),
    ],
)
def test_a_frozen_network_without_a_start_is_warned_of(
    small, build_loop, tmp_path, caplog, start, is_warned_of
):
    state = {f'initial.{k}': v for k, v in build_loop().initial.state_dict().items()}
    torch.save(state, tmp_path / 'x')
    if start is not None and start['type'] == 'Pretrained':
        start = dict(start, checkpoint=str(tmp_path / 'x'))
    initial = dict(small['generator']['initial'], init_cfg=start)
    made = build_loop(freeze_initial=True, initial=initial)
    logger = MMLogger.get_current_instance()
    logger.addHandler(caplog.handler)
    made.init_weights()
    logger.removeHandler(caplog.handler)
    said = [one for one in caplog.records if 'its weights stay random' in one.getMessage()]
    assert [one.levelno for one in said] == ([logging.WARNING] if is_warned_of else [])
    assert all('FBINPAINT_INITIAL' in one.getMessage() for one in said)
