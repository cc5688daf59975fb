from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from fbinpaint_mm.cli.convert_migan import convert, convert_initializers, read_initializers
from fbinpaint_mm.models.networks import MIGANEncoderDecoder
from fbinpaint_mm.user_error import UserError

WIDTH = {side: min(32768 // side, 512) for side in (512, 256, 128, 64, 32, 16, 8, 4)}


@pytest.fixture
def public(shared_data) -> Path:
    pytest.importorskip('onnxruntime')
    return shared_data('weights') / 'migan_pipeline_v2.onnx'


@pytest.fixture
def initializers() -> dict[str, torch.Tensor]:
    """Of the names and shapes of the public file, every tensor filled with another number."""
    shapes: dict[str, tuple[int, ...]] = {
        'model.encoder.b512.fromrgb.weight': (64, 4, 1, 1),
        'model.encoder.b512.fromrgb.bias': (64,),
    }
    for side, width in WIDTH.items():
        below = WIDTH.get(side // 2, 512)
        for part, first, second in (
            ('encoder', (width, width), (width, below)),
            ('synthesis', (below, width), (width, width)),
        ):
            for index, (inside, outside) in enumerate((first, second), 1):
                conv = f'model.{part}.b{side}.conv{index}'
                shapes[f'{conv}.conv1.weight'] = (inside, 1, 3, 3)
                shapes[f'{conv}.conv1.bias'] = (inside,)
                shapes[f'{conv}.conv2.weight'] = (outside, inside, 1, 1)
        shapes[f'model.synthesis.b{side}.torgb.weight'] = (3, width, 1, 1)
        shapes[f'model.synthesis.b{side}.torgb.bias'] = (3,)
    sides = [8, 8, 16, 16, 32, 32, 64, 64, 128, 128, 256, 256, 512, 512]
    # The numbers have three digits and four: their order is not that of the letters.
    shapes.update({f'onnx::Add_{980 + 5 * i}': (side, side) for i, side in enumerate(sides)})
    return {
        name: torch.full(shape, float(index)) for index, (name, shape) in enumerate(shapes.items())
    }


def test_every_weight_finds_its_place(initializers):
    weights = convert_initializers(initializers, Path('public.onnx'))
    network = MIGANEncoderDecoder()
    network.load_state_dict(weights)

    def of(name: str) -> object:
        gain = 1 if 'torgb' in name else 2**0.5
        return pytest.approx(gain * initializers[name].flatten()[0].item())

    refine = network.decoder[1].conv2
    assert refine.depthwise.bias[0].item() == of('model.synthesis.b256.conv2.conv1.bias')
    assert refine.pointwise.weight[0, 0].item() == of('model.synthesis.b256.conv2.conv2.weight')
    assert refine.noise[0, 0, 0, 0].item() == of('onnx::Add_1035')
    assert network.encoder[7].conv1.depthwise.weight[0, 0, 0, 0].item() == of(
        'model.encoder.b4.conv1.conv1.weight'
    )
    assert network.to_image[7].bias[0].item() == of('model.synthesis.b4.torgb.bias')


def test_colors_become_bgr(initializers):
    initializers['model.encoder.b512.fromrgb.weight'][:] = torch.arange(4.0).view(1, 4, 1, 1)
    initializers['model.synthesis.b512.torgb.bias'][:] = torch.arange(3.0)
    weights = convert_initializers(initializers, Path('public.onnx'))
    gained = (weights['from_image.weight'][0].flatten() / 2**0.5).tolist()
    assert gained == pytest.approx([0, 3, 2, 1])
    assert weights['to_image.0.bias'].tolist() == [2, 1, 0]


def test_another_resolution_is_refused(initializers):
    smaller = {name: value for name, value in initializers.items() if 'b512' not in name}
    message = (
        r"'p.onnx' is not MI-GAN at 512 px: '.*b512.*' is missing.* scales are \[4, 8,.* 256\]"
    )
    with pytest.raises(UserError, match=message):
        convert_initializers(smaller, Path('p.onnx'))


def test_another_network_is_refused_by_the_weight_that_differs(initializers):
    initializers['model.synthesis.b64.torgb.weight'] = torch.zeros(3, 8, 1, 1)
    message = r"b64\.torgb\.weight' has the shape \(3, 8, 1, 1\), expected \(3, 512, 1, 1\)"
    with pytest.raises(UserError, match=message):
        convert_initializers(initializers, Path('p.onnx'))


def test_missing_noise_is_refused(initializers):
    without = {name: value for name, value in initializers.items() if 'Add' not in name}
    with pytest.raises(UserError, match=r"not MI-GAN at 512 px: 'onnx::Add_\*' is missing"):
        convert_initializers(without, Path('p.onnx'))


@pytest.mark.parametrize('content', [b'', b'text', b'\x08\x07\x12\x07pytorch\x1a\x03'])
def test_other_files_are_refused(tmp_path, content):
    pytest.importorskip('onnx')
    path = tmp_path / 'other.onnx'
    path.write_bytes(content)
    with pytest.raises(UserError, match=r'other.onnx.*(no ONNX file|not MI-GAN)'):
        convert(path, tmp_path / 'out.pth')
    assert not (tmp_path / 'out.pth').exists()


def test_a_file_that_is_cut_off_is_refused_with_its_length(public, tmp_path):
    path = tmp_path / 'cut.onnx'
    path.write_bytes(public.read_bytes()[:1_000_000])
    with pytest.raises(UserError, match=r"cut\.onnx' is no ONNX file, or is cut off \(1000000 by"):
        convert(path, tmp_path / 'out.pth')


def test_the_file_to_read_is_not_written(tmp_path):
    pytest.importorskip('onnx')
    path = tmp_path / 'public.onnx'
    path.write_bytes(b'mine')
    (tmp_path / 'link.pth').symlink_to(path)
    for out in (path, tmp_path / 'link.pth'):
        with pytest.raises(UserError, match=r'is the file to read: give another one to write'):
            convert(path, out)
    assert path.read_bytes() == b'mine'


def test_a_missing_file_is_named(tmp_path):
    pytest.importorskip('onnx')
    with pytest.raises(FileNotFoundError, match=r'absent\.onnx'):
        convert(tmp_path / 'absent.onnx', tmp_path / 'out.pth')


def test_public_weights_give_the_image_of_the_public_pipeline(public, tmp_path):
    """In the hole, at 512 px; the pipeline also rounds, and blends along the border."""
    import onnxruntime

    convert(public, tmp_path / 'migan.pth')
    network = MIGANEncoderDecoder()
    network.load_state_dict(torch.load(tmp_path / 'migan.pth', weights_only=True)['state_dict'])
    rng = np.random.default_rng(0)
    coarse = torch.from_numpy(rng.uniform(0, 255, (1, 3, 8, 8)).astype(np.float32))
    smooth = torch.nn.functional.interpolate(coarse, size=512, mode='bicubic').clamp(0, 255)
    image = smooth.to(torch.uint8)
    # A hole whose crop is the whole image: the pipeline cuts around it.
    hole = torch.zeros(1, 1, 512, 512)
    hole[..., 100:400, 150:380] = hole[..., :4, :] = hole[..., -4:, :] = 1
    hole[..., :4] = hole[..., -4:] = 1
    session = onnxruntime.InferenceSession(str(public))
    mask = (255 * (1 - hole)).to(torch.uint8)
    expected = session.run(None, dict(image=image.numpy(), mask=mask.numpy()))[0]
    bgr = (image.float() / 127.5 - 1).flip(1)
    with torch.no_grad():
        found = network.eval()(bgr * (1 - hole), hole).flip(1)
    found = (found.clamp(-1, 1) + 1) * 127.5
    inside = slice(100, 400), slice(150, 380)
    difference = np.abs(found.numpy() - expected)[:, :, inside[0], inside[1]]
    assert difference.mean() < 1


def test_initializers_are_copies_by_name(public):
    found = read_initializers(public)
    assert found['model.encoder.b512.fromrgb.weight'].shape == (64, 4, 1, 1)
