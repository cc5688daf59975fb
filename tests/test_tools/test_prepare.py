"""The two tools that prepare a download."""

import pytest
from PIL import Image


def test_a_download_of_celebamask_hq(load_tool, tmp_path, monkeypatch, capsys):
    masks = tmp_path / 'CelebAMask-HQ-mask-anno/0'
    masks.mkdir(parents=True)
    (tmp_path / 'CelebA-HQ-img').mkdir()
    for index in range(2):
        Image.new('RGB', (32, 32)).save(tmp_path / f'CelebA-HQ-img/{index}.jpg')
        Image.new('L', (16, 16), 255).save(masks / f'{index:05d}_skin.png')
    options = ['--size', '8', '--num-images', '2', '--num-val', '1', '--num-workers', '1']
    command = ['prepare_celebamask_hq.py', str(tmp_path), str(tmp_path / 'out'), *options]
    monkeypatch.setattr('sys.argv', command)
    load_tool('prepare_celebamask_hq').main()
    assert '2 faces written, 0 were there' in capsys.readouterr().out


def test_a_folder_without_cityscapes(load_tool, tmp_path, monkeypatch, capsys):
    monkeypatch.setattr('sys.argv', ['prepare_cityscapes.py', str(tmp_path)])
    with pytest.raises(SystemExit):
        load_tool('prepare_cityscapes').main()
    assert capsys.readouterr().err.startswith(f"prepare_cityscapes.py: '{tmp_path}/leftImg8bit")
