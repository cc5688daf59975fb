"""Builds the ``initial`` and the ``guided`` network from plain config dicts."""

from __future__ import annotations

import inspect

from mmagic.registry import MODELS
from mmengine.registry import DefaultScope
from torch import nn

from fbinpaint_mm.models.networks.mmagic_network_adapter import MMagicNetworkAdapter
from fbinpaint_mm.user_error import UserError

ROLES = ('initial', 'guided')


def build_inpainting_network(
    cfg: dict | nn.Module, num_classes: int | None, role: str
) -> nn.Module:
    """Builds a network with the feedback interface.

    That is ``forward(masked_img, mask, current=None, semantic_map=None, confidence=None)`` and the
    class attribute ``speaks_feedback_interface = True``. A class with it is built as it is; any
    other network is taken for one of mmagic's and wrapped in :class:`MMagicNetworkAdapter`, whose
    own options (convention, channel_order, ...) need an explicit adapter config.

    Args:
        cfg: Config dict of a network in mmagic's registry, or a module already built.
        num_classes: Classes of the semantic map; None or 0 for no semantics. Reaches the
            constructor only for the guided role; a ``num_classes`` in ``cfg`` must agree with it.
        role: 'initial' or 'guided'. A class whose constructor has an argument ``guided`` gets it,
            unless ``cfg`` sets it.

    Returns:
        The network; a module that already has the interface is returned unchanged.

    Raises:
        UserError: If ``cfg`` is neither a dict with ``type`` nor a module.
        UserError: If the role, the type or ``num_classes`` is not as expected.
    """
    if role not in ROLES:
        raise UserError(f'role: found {role!r}, expected one of {ROLES}.')
    classes = (num_classes or 0) if role == 'guided' else None
    if isinstance(cfg, nn.Module):
        return cfg if _has_interface(cfg) else MMagicNetworkAdapter(cfg, classes)
    network_class = _class_of(cfg, role)
    if not _has_interface(network_class):
        return MMagicNetworkAdapter(cfg, classes)
    with DefaultScope.overwrite_default_scope('mmagic'):
        return MODELS.build(_completed(cfg, network_class, classes, role))


def _class_of(cfg: dict, role: str) -> type:
    if not isinstance(cfg, dict) or 'type' not in cfg:
        raise UserError(f"{role} network: found {cfg!r}, expected a config dict with 'type'.")
    kind = cfg['type']
    network_class = MODELS.get(kind) if isinstance(kind, str) else kind
    if network_class is None:
        raise UserError(
            f"{role} network: type {kind!r} is not in mmagic's MODELS registry; check the spelling "
            'and that custom_imports names the package that registers it.'
        )
    return network_class


def _has_interface(network: nn.Module | type) -> bool:
    return getattr(network, 'speaks_feedback_interface', False)


def _completed(cfg: dict, network_class: type, classes: int | None, role: str) -> dict:
    cfg = dict(cfg)
    name = f'{role} network {network_class.__name__}'
    if 'guided' in inspect.signature(network_class).parameters:
        cfg.setdefault('guided', role == 'guided')
    if role == 'initial' and cfg.get('num_classes'):
        raise UserError(
            f'{name}: num_classes={cfg["num_classes"]}, but it sees no semantic map; leave '
            'num_classes out.'
        )
    if role == 'guided' and cfg.setdefault('num_classes', classes) != classes:
        raise UserError(
            f'{name}: num_classes={cfg["num_classes"]} in its config, but the semantic map has '
            f'{classes} classes; leave num_classes out, it is filled in.'
        )
    return cfg
