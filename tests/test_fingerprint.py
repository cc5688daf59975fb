import hashlib

from mmengine.config import Config

from fbinpaint_mm.fingerprint import (
    checkpoint_content,
    config_content,
    fingerprint,
    starting_checkpoints,
    starting_weights,
)


def test_equal_settings_have_equal_fingerprints():
    one = fingerprint(dict(a=1, b=(1, 2)), 'x')
    assert one == fingerprint(dict(b=[1, 2], a=1), 'x')
    assert len(one) == 64
    assert one != fingerprint(dict(a=1, b=(1, 3)), 'x')
    assert one != fingerprint(dict(a=1, b=(1, 2)))
    assert fingerprint(int) == fingerprint(int) != fingerprint(float)


def test_where_a_run_writes_does_not_count():
    cfg = Config(dict(model=dict(width=4), work_dir='here', launcher='none'))
    assert config_content(cfg) == dict(model=dict(width=4))


def test_a_checkpoint_is_known_by_its_content(tmp_path):
    path = tmp_path / 'x.pth'
    path.write_bytes(b'weights')
    assert checkpoint_content(str(path)) == hashlib.sha256(b'weights').hexdigest()
    assert checkpoint_content('https://a.org/x.pth') == 'https://a.org/x.pth'
    assert checkpoint_content(None) is None


def test_weights_that_a_config_starts_from_are_known_by_their_content(tmp_path):
    start, other, third = (tmp_path / f'{name}.pth' for name in ('start', 'other', 'third'))
    start.write_bytes(b'one')
    other.write_bytes(b'two')
    third.write_bytes(b'three')
    hook = dict(type='CheckpointHook', interval=1)
    cfg = Config(
        dict(
            load_from=str(start),
            model=dict(
                parts=[dict(init_cfg=dict(checkpoint=str(other))), dict(init_cfg=None)],
                checkpoint=str(third),
            ),
            default_hooks=dict(checkpoint=hook),
            segmentor_init=dict(checkpoint=str(third)),  # of a part that this model leaves out
        )
    )
    cfg.model.pop('checkpoint')
    assert starting_checkpoints(cfg) == sorted(map(str, (start, other)))
    cfg.model.checkpoint = str(third)
    found = starting_weights(cfg)
    contents = (b'one', b'two', b'three')
    hashes = [hashlib.sha256(text).hexdigest() for text in contents]
    assert found == dict(zip(map(str, (start, other, third)), hashes, strict=True))
    start.write_bytes(b'trained anew')
    assert starting_weights(cfg) != found
    assert starting_weights(Config(dict(load_from='https://a.org/x.pth', model=None))) == {}
