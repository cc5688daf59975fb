from __future__ import annotations

import re

import pytest
from mmengine.config import Config

from fbinpaint_mm.optimizer_settings import (
    drop_idle_optimizers,
    enable_amp,
    enable_auto_scale_lr,
)
from fbinpaint_mm.user_error import UserError


def test_optimizer_of_a_part_that_is_switched_off_is_dropped():
    wrappers = dict(constructor='Some', generator=dict(), disc=dict())
    cfg = Config(dict(model=dict(disc=None, generator=dict()), optim_wrapper=wrappers))
    drop_idle_optimizers(cfg)
    assert set(cfg.optim_wrapper) == {'constructor', 'generator'}


@pytest.fixture
def gpu(monkeypatch):
    monkeypatch.setattr('fbinpaint_mm.optimizer_settings.get_device', lambda: 'cuda')


@pytest.mark.parametrize(
    ('device', 'dtype', 'message'),
    [
        ('cpu', 'float16', "no mixed precision in float16 on 'cpu'. Use --amp-dtype bfloat16."),
        ('mps', None, "no mixed precision in float16 on 'mps'. Leave the option out."),
        ('mps', 'bfloat16', "no mixed precision in bfloat16 on 'mps'. Leave the option out."),
    ],
)
def test_amp_that_a_device_does_not_have_is_refused(monkeypatch, device, dtype, message):
    monkeypatch.setattr('fbinpaint_mm.optimizer_settings.get_device', lambda: device)
    cfg = Config(dict(optim_wrapper=dict(optimizer=dict(type='Adam'))))
    with pytest.raises(UserError, match=re.escape(message)):
        enable_amp(cfg, dtype)


@pytest.mark.parametrize(('device', 'dtype'), [('cpu', None), ('cuda', 'bfloat16')])
def test_bfloat16_needs_no_scale_of_the_loss(monkeypatch, device, dtype):
    monkeypatch.setattr('fbinpaint_mm.optimizer_settings.get_device', lambda: device)
    scaled = dict(type='AmpOptimWrapper', loss_scale=8.0, dtype='float16')
    cfg = Config(dict(optim_wrapper=dict(optimizer=dict(type='Adam'), **scaled)))
    for _ in range(2):
        enable_amp(cfg, dtype)
        assert cfg.optim_wrapper == dict(type='BFloat16OptimWrapper', optimizer=dict(type='Adam'))


@pytest.mark.usefixtures('gpu')
def test_amp_replaces_a_single_wrapper():
    cfg = Config(dict(optim_wrapper=dict(optimizer=dict(type='Adam'), clip_grad=dict(max_norm=1))))
    enable_amp(cfg)
    assert cfg.optim_wrapper == dict(
        type='AmpOptimWrapper',
        loss_scale='dynamic',
        optimizer=dict(type='Adam'),
        clip_grad=dict(max_norm=1),
    )


@pytest.mark.usefixtures('gpu')
def test_amp_replaces_wrappers_at_any_depth():
    def wrapper(**kwargs):
        return dict(optimizer=dict(type='Adam'), **kwargs)

    cfg = Config(
        dict(
            optim_wrapper=dict(
                constructor='MultiOptimWrapperConstructor',
                generator=wrapper(type='OptimWrapper'),
                disc=wrapper(type='AmpOptimWrapper', loss_scale=8.0),
                parts=dict(segmentor=wrapper()),
            )
        )
    )
    enable_amp(cfg)
    wrappers = cfg.optim_wrapper
    assert wrappers.constructor == 'MultiOptimWrapperConstructor'
    assert 'type' not in wrappers
    assert 'type' not in wrappers.parts
    assert wrappers.generator.type == wrappers.parts.segmentor.type == 'AmpOptimWrapper'
    assert wrappers.generator.loss_scale == 'dynamic'
    assert wrappers.disc == wrapper(type='AmpOptimWrapper', loss_scale=8.0)


@pytest.mark.usefixtures('gpu')
def test_amp_refuses_what_it_cannot_replace():
    wrapper = dict(type='ApexOptimWrapper', optimizer=dict(type='Adam'))
    with pytest.raises(UserError, match=r"optim_wrapper\.disc is of type 'ApexOptimWrapper'"):
        enable_amp(Config(dict(optim_wrapper=dict(disc=wrapper))))
    with pytest.raises(UserError, match='no optim_wrapper'):
        enable_amp(Config())


def test_auto_scale_lr_needs_a_base_batch_size():
    with pytest.raises(UserError, match='base_batch_size'):
        enable_auto_scale_lr(Config())
    cfg = Config(dict(auto_scale_lr=dict(base_batch_size=16)))
    enable_auto_scale_lr(cfg)
    assert cfg.auto_scale_lr == dict(base_batch_size=16, enable=True)
