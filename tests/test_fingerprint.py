import hashlib

from mmengine.config import Config

from fbinpaint_mm.fingerprint import checkpoint_content, config_content, fingerprint


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
