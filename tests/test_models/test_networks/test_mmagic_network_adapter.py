from __future__ import annotations

import copy

import pytest
import torch
from mmagic.registry import MODELS
from mmagic.structures import DataSample
from mmengine.optim import OptimWrapper
from mmengine.registry import DefaultScope
from mmengine.runner import save_checkpoint
from torch import Tensor, nn

from fbinpaint_mm.models.networks.mmagic_network_adapter import MMagicNetworkAdapter
from fbinpaint_mm.user_error import UserError
from tests.test_models.small_model import all_finite

K = 3
PREPROCESSOR = {'type': 'DataPreprocessor', 'mean': [127.5], 'std': [127.5]}


def deepfill(conv_type: str, out_act_cfg: dict) -> dict:
    part = {'conv_type': conv_type, 'channel_factor': 0.25}
    neck = {'type': 'GLDilationNeck', 'in_channels': 32, 'conv_type': conv_type}
    encoder = {'type': 'DeepFillEncoder', **part}
    decoder = {'type': 'DeepFillDecoder', 'out_act_cfg': out_act_cfg, **part}
    attention = {'type': 'ContextualAttentionNeck', 'in_channels': 32, 'conv_type': conv_type}
    return {
        'type': 'DeepFillEncoderDecoder',
        'stage1': {
            'type': 'GLEncoderDecoder',
            'encoder': encoder,
            'decoder': {**decoder, 'in_channels': 32},
            'dilation_neck': neck,
        },
        'stage2': {
            'type': 'DeepFillRefiner',
            'encoder_attention': {**encoder, 'encoder_type': 'stage2_attention'},
            'encoder_conv': {**encoder, 'encoder_type': 'stage2_conv'},
            'dilation_neck': neck,
            'contextual_attention': attention,
            'decoder': {**decoder, 'in_channels': 64},
        },
    }


GL = {'type': 'GLEncoderDecoder'}
AOT = {
    'type': 'AOTEncoderDecoder',
    'encoder': {'type': 'AOTEncoder', 'mid_channels': 8, 'out_channels': 32},
    'decoder': {'type': 'AOTDecoder', 'in_channels': 32, 'mid_channels': 16},
    'dilation_neck': {
        'type': 'AOTBlockNeck',
        'in_channels': 32,
        'dilation_rates': (1, 2, 1, 2),
        'num_aotblock': 2,
    },
}
PCONV = {
    'type': 'PConvEncoderDecoder',
    'encoder': {'type': 'PConvEncoder', 'num_layers': 4},
    'decoder': {'type': 'PConvDecoder', 'num_layers': 4},
}
# network, mmagic's inpaintor for it
NETWORKS = {
    'gl': (GL, 'GLInpaintor'),
    'aot': (AOT, 'AOTInpaintor'),
    'pconv': (PCONV, 'PConvInpaintor'),
    'deepfillv1': (
        deepfill('conv', {'type': 'clip', 'min': -1.0, 'max': 1.0}),
        'DeepFillv1Inpaintor',
    ),
    'deepfillv2': (deepfill('gated_conv', {'type': 'Tanh'}), 'TwoStageInpaintor'),
}
SIZE = 32


@pytest.fixture(autouse=True)
def _seed():
    with torch.random.fork_rng():
        torch.manual_seed(0)
        yield


def make_batch(size: int = SIZE) -> tuple[Tensor, Tensor, Tensor, Tensor, Tensor]:
    """masked_img, mask, current, semantic_map, confidence of two samples."""
    image = torch.rand(2, 3, size, size) * 2 - 1
    mask = torch.zeros(2, 1, size, size)
    mask[..., 6:15, 4:13] = 1
    current = image * (1 - mask) + 0.3 * mask
    semantic_map = torch.randn(2, K, size, size).softmax(1)
    return image * (1 - mask), mask, current, semantic_map, 1 - 0.5 * mask


def build(config: dict) -> nn.Module:
    with DefaultScope.overwrite_default_scope('mmagic'):
        return MODELS.build(config)


@pytest.mark.parametrize('name', NETWORKS)
def test_bit_equal_to_mmagics_own_inpaintor(name):
    network, inpaintor_type = NETWORKS[name]
    inpaintor = build(
        {'type': inpaintor_type, 'encdec': network, 'data_preprocessor': PREPROCESSOR}
    ).eval()
    adapter = MMagicNetworkAdapter(network).eval()
    adapter.network.load_state_dict(inpaintor.generator.state_dict())
    masked_img, mask, *_ = make_batch()

    with torch.no_grad():
        theirs, _ = inpaintor.forward_tensor(masked_img, DataSample(mask=mask))
        ours = adapter(masked_img, mask)

    assert torch.equal(ours, theirs)
    assert ours.std() > 0


def test_deepfill_attention_survives_a_hole_that_touches_every_patch():
    adapter = MMagicNetworkAdapter(NETWORKS['deepfillv1'][0]).eval()
    masked_img, mask, *_ = make_batch()
    mask[0] = 1
    with torch.no_grad():
        together = adapter(masked_img * (1 - mask), mask)
        alone = adapter(masked_img[1:], mask[1:])
    assert together.isfinite().all()
    torch.testing.assert_close(together[1:], alone, atol=1e-3, rtol=0)


def with_open_gate(adapter):
    """The adapter with a refinement head that gives the network's output, whatever it reads."""
    nn.init.constant_(adapter.refinement_head[-1].bias[:1], 20.0)
    return adapter


@pytest.mark.parametrize('name', NETWORKS)
def test_guided_round_starts_as_the_previous_round(name):
    adapter = MMagicNetworkAdapter(NETWORKS[name][0], K).eval()
    batch = make_batch()
    with torch.no_grad():
        assert torch.equal(adapter(*batch), batch[2])


@pytest.mark.parametrize('name', NETWORKS)
def test_the_network_behind_the_gate_starts_unguided(name):
    adapter = with_open_gate(MMagicNetworkAdapter(NETWORKS[name][0], K).eval())
    masked_img, mask, current, *guidance = make_batch()
    with torch.no_grad():
        found = adapter(masked_img, mask, current, *guidance)
        if name == 'pconv':  # what lies in a hole does not exist for it, so the hole is closed
            expected, _ = adapter.network(current, torch.ones_like(current))
        else:
            expected = adapter(masked_img, mask)
    torch.testing.assert_close(found, expected, atol=1e-5, rtol=0)


@pytest.mark.parametrize('name', NETWORKS)
def test_gradients_reach_every_part_within_three_steps(name):
    """Step 1 opens the gate, step 2 reaches the network, step 3 all of its guidance."""
    adapter = MMagicNetworkAdapter(NETWORKS[name][0], K)
    batch = make_batch()
    optimizer = torch.optim.Adam(adapter.parameters(), lr=1e-3)
    target = torch.rand_like(batch[2]) * 2 - 1
    reached = []
    for _ in range(3):
        optimizer.zero_grad()
        (adapter(*batch) - target).square().mean().backward()
        reached.append(
            {n for n, p in adapter.named_parameters() if p.grad is not None and p.grad.any()}
        )
        optimizer.step()

    assert reached[0] == {'refinement_head.2.weight', 'refinement_head.2.bias'}
    network = {f'network.{n}' for n, _ in adapter.network.named_parameters()}
    # A bias before batch normalization, and layers behind dead units, may have none.
    assert len(network & reached[1]) > 0.8 * len(network)
    assert {'stem.2.weight', 'stem.2.bias', 'refinement_head.0.weight'} <= reached[1]
    assert {'stem.0.weight', 'stem.0.bias'} <= reached[2]


@pytest.mark.parametrize('name', NETWORKS)
def test_semantics_reach_the_network_inside_the_hole(name):
    adapter = with_open_gate(MMagicNetworkAdapter(NETWORKS[name][0], K).eval())
    nn.init.normal_(adapter.stem[-1].weight)
    masked_img, mask, current, semantic_map, confidence = make_batch()
    other = semantic_map.clone()
    other[..., 10, 8] = other[..., 10, 8].roll(1, 1)  # one pixel, deep in the hole
    with torch.no_grad():
        first = adapter(masked_img, mask, current, semantic_map, confidence)
        second = adapter(masked_img, mask, current, other, confidence)
    assert not torch.equal(first, second)


def test_refinement_formula():
    adapter = MMagicNetworkAdapter(GL, K).eval()
    nn.init.normal_(adapter.refinement_head[-1].weight)
    batch = make_batch(16)
    with torch.no_grad():
        raw = adapter(*batch[:2])
        planes = torch.cat([raw, batch[3], batch[2], batch[1], batch[4]], 1)
        out = adapter.refinement_head(planes)
        gate = out[:, :1].tanh()
        expected = batch[2] + gate * (raw - batch[2]) + out[:, 1:]
        torch.testing.assert_close(adapter(*batch), expected)


def test_without_classes_it_is_guided_by_image_and_confidence():
    adapter = MMagicNetworkAdapter(GL, 0).eval()
    nn.init.normal_(adapter.refinement_head[-1].weight)
    masked_img, mask, current, _, _ = make_batch(16)
    with torch.no_grad():
        explicit = adapter(masked_img, mask, current, None, 1 - mask)
        assert torch.equal(adapter(masked_img, mask, current), explicit)


def test_rgb_network_sees_rgb_and_answers_in_bgr():
    class Echo(nn.Module):
        def forward(self, x: Tensor) -> Tensor:
            self.seen = x[:, :3]
            return x[:, :3]

    echo = Echo()
    adapter = MMagicNetworkAdapter(echo, convention='gl', channel_order='rgb')
    masked_img, mask, *_ = make_batch(16)
    assert torch.equal(adapter(masked_img, mask), masked_img)
    assert torch.equal(echo.seen, masked_img[:, [2, 1, 0]])


def test_convention_of_the_nearest_known_ancestor():
    class MyNetwork(type(build(AOT))):
        pass

    assert MMagicNetworkAdapter({**AOT, 'type': MyNetwork}).convention == 'aot'


def test_unknown_network_lists_what_is_supported():
    with pytest.raises(UserError, match=r'Conv2d: not known.*GLEncoderDecoder, AOT.*speaks_feed'):
        MMagicNetworkAdapter(nn.Conv2d(4, 3, 1))
    with pytest.raises(UserError, match=r"found 'unet', expected one of .'gl', 'aot'"):
        MMagicNetworkAdapter(nn.Conv2d(4, 3, 1), convention='unet')


@pytest.mark.parametrize(
    ('name', 'size', 'valid'),
    [
        ('gl', (30, 32), '32x32'),
        ('aot', (36, 37), '36x40'),
        ('pconv', (40, 48), '48x48'),
        ('deepfillv1', (36, 40), '40x40'),
    ],
)
def test_size_error_names_the_next_valid_size(name, size, valid):
    adapter = MMagicNetworkAdapter(NETWORKS[name][0]).eval()
    with pytest.raises(UserError, match=rf'images of {size[0]}x{size[1]} .*size is {valid}'):
        adapter(torch.zeros(1, 3, *size), torch.zeros(1, 1, *size))
    height, width = map(int, valid.split('x'))
    with torch.no_grad():
        adapter(torch.zeros(1, 3, height, width), torch.zeros(1, 1, height, width))


def test_reflection_padding_sets_a_minimum_size():
    neck = {**AOT['dilation_neck'], 'dilation_rates': (1, 2, 4, 8)}
    adapter = MMagicNetworkAdapter({**AOT, 'dilation_neck': neck}).eval()
    with pytest.raises(UserError, match=r'at least 36.*size is 36x36'):
        adapter(torch.zeros(1, 3, 32, 32), torch.zeros(1, 1, 32, 32))
    with torch.no_grad():
        adapter(torch.zeros(1, 3, 36, 36), torch.zeros(1, 1, 36, 36))


def test_output_of_another_size_is_refused():
    adapter = MMagicNetworkAdapter(nn.Conv2d(4, 3, 3), convention='gl')
    with pytest.raises(UserError, match=r'returned \(2, 3, 14, 14\) .*\(2, 3, 16, 16\)'):
        adapter(*make_batch(16)[:2])


def test_guidance_that_does_not_fit_is_refused():
    masked_img, mask, current, semantic_map, confidence = make_batch(16)
    with pytest.raises(UserError, match='build the guided network with num_classes'):
        MMagicNetworkAdapter(GL)(masked_img, mask, current, semantic_map, confidence)
    guided = MMagicNetworkAdapter(GL, K)
    with pytest.raises(UserError, match=r'found None, expected shape \(2, 3, 16, 16\)'):
        guided(masked_img, mask, current)
    with pytest.raises(UserError, match=r'found \(2, 2, 16, 16\), expected'):
        guided(masked_img, mask, current, semantic_map[:, :2], confidence)


def test_bad_options_are_refused():
    with pytest.raises(UserError, match="channel_order: found 'gray'"):
        MMagicNetworkAdapter(GL, channel_order='gray')


@pytest.fixture
def gl_checkpoint(tmp_path):
    inpaintor = build({'type': 'GLInpaintor', 'encdec': GL, 'data_preprocessor': PREPROCESSOR})
    path = str(tmp_path / 'gl.pth')
    save_checkpoint({'state_dict': inpaintor.state_dict()}, path)
    return path, inpaintor.eval()


@pytest.mark.parametrize('inside', [True, False])
@pytest.mark.parametrize('num_classes', [None, K])
def test_checkpoint_of_mmagic_loads_and_stays_what_it_was(gl_checkpoint, inside, num_classes):
    path, inpaintor = gl_checkpoint
    init_cfg = {'type': 'Pretrained', 'checkpoint': path, 'prefix': 'generator.'}
    network = {**GL, 'init_cfg': init_cfg} if inside else GL
    adapter = MMagicNetworkAdapter(network, num_classes, init_cfg=None if inside else init_cfg)
    adapter.init_weights()
    batch = make_batch(16)

    with torch.no_grad():
        expected, _ = inpaintor.forward_tensor(batch[0], DataSample(mask=batch[1]))
        assert torch.equal(adapter.eval()(*batch[:2]), expected)
        if num_classes:
            assert torch.equal(adapter(*batch), batch[2])


def test_checkpoint_that_does_not_fit_is_refused(gl_checkpoint):
    path, _ = gl_checkpoint
    init_cfg = {'type': 'Pretrained', 'checkpoint': path, 'prefix': 'encdec'}
    with pytest.raises(UserError, match=r"under prefix 'encdec\.': .* \['generator\.'\]"):
        MMagicNetworkAdapter(GL, init_cfg=init_cfg).init_weights()
    init_cfg['prefix'] = 'generator'
    with pytest.raises(UserError, match=r'gl\.pth does not fit AOTEncoderDecoder'):
        MMagicNetworkAdapter(AOT, init_cfg=init_cfg).init_weights()


def test_initialization_of_the_inside_leaves_the_first_round_alone():
    init_cfg = {'type': 'Constant', 'layer': 'Conv2d', 'val': 0.25}
    adapter = MMagicNetworkAdapter(GL, K, init_cfg=init_cfg)
    adapter.init_weights()
    assert (adapter.network.encoder.enc1.conv.weight == 0.25).all()
    batch = make_batch(16)
    with torch.no_grad():
        assert torch.equal(adapter.eval()(*batch), batch[2])


@pytest.fixture
def whole_model(small):
    """Builds a small inpaintor with other networks, as a Runner does."""

    def make(**networks: dict) -> nn.Module:
        generator = small['generator'] | networks
        model = build(copy.deepcopy(small['model'] | dict(generator=generator)))
        model.init_weights()
        return model

    return make


def make_samples(size: int = SIZE) -> dict:
    """A batch as a dataloader collates it: images 0..255, gray in the hole."""
    inputs, samples = [], []
    for is_labeled in (True, False):
        image = torch.randint(0, 256, (3, size, size), dtype=torch.uint8)
        mask = torch.zeros(1, size, size)
        mask[:, 6:15, 4:13] = 1
        labels = torch.randint(0, 5, (1, size, size))
        meta = dict(is_labeled=is_labeled, img_channel_order='BGR', gt_channel_order='BGR')
        samples.append(DataSample(gt_img=image, mask=mask, gt_seg=labels, metainfo=meta))
        inputs.append(torch.where(mask == 1, 127.5, image.float()))
    return dict(inputs=inputs, data_samples=samples)


def trained_by_mmagic(name: str, path: str) -> tuple[nn.Module, dict]:
    """An inpaintor of mmagic, its checkpoint as a Runner writes it, and its network for ours.

    mmagic's AOT-GAN is trained on RGB images, the others on BGR images.
    """
    network, inpaintor_type = NETWORKS[name]
    order = 'rgb' if name == 'aot' else 'bgr'
    disc = dict(type='MultiLayerDiscriminator', in_channels=3, max_channels=8, num_convs=2)
    inpaintor = build(
        dict(
            type=inpaintor_type,
            encdec=network,
            disc=disc,
            loss_gan=dict(type='GANLoss', gan_type='vanilla'),
            data_preprocessor=dict(PREPROCESSOR, output_channel_order=order.upper()),
        )
    )
    state = inpaintor.state_dict()
    assert {key.partition('.')[0] for key in state} == {'generator', 'disc'}
    meta = dict(mmengine_version='0.10.7', iter=500000, epoch=0)
    save_checkpoint(dict(meta=meta, state_dict=state, optimizer={}, message_hub={}), path)
    pretrained = dict(type='Pretrained', checkpoint=path, prefix='generator.')
    adapter = dict(type='MMagicNetworkAdapter', channel_order=order)
    return inpaintor.eval(), dict(adapter, network=dict(network, init_cfg=pretrained))


@pytest.mark.parametrize('name', NETWORKS)
def test_checkpoint_of_mmagic_is_round_0_of_the_whole_model(name, whole_model, tmp_path):
    """From the pixels of a dataloader to predicted pixels, bit for bit, however many rounds."""
    inpaintor, initial = trained_by_mmagic(name, str(tmp_path / 'iter_500000.pth'))
    model = whole_model(initial=initial).eval()
    batch = make_samples()
    with torch.no_grad():
        theirs = inpaintor.val_step(copy.deepcopy(batch))
        ours = model.val_step(copy.deepcopy(batch))
    for one, other, given in zip(ours, theirs, batch['data_samples'], strict=True):
        hole = (given.mask == 1).expand(3, -1, -1)
        assert one.output.round_imgs.shape[0] == 3
        assert torch.equal(one.output.round_imgs[0][hole], other.output.pred_img[hole])
        assert one.output.round_imgs[0][hole].std() > 0


OURS = {'type': 'SemanticGuidedEncoderDecoder', 'base_channels': 8, 'dilations': (1,)}


ALL = [*NETWORKS, 'ours']


@pytest.mark.parametrize(('initial', 'guided'), list(zip(ALL, ALL[1:] + ALL[:1], strict=True)))
def test_every_network_serves_in_both_roles(initial, guided, whole_model):
    """Side by side with another: both learn in one step, and then round 1 corrects round 0."""
    configs = {key: value[0] for key, value in NETWORKS.items()} | dict(ours=OURS)
    model = whole_model(initial=configs[initial], guided=configs[guided]).train()
    optimizer = torch.optim.SGD(model.generator.parameters(), lr=1e-2)
    before = {key: value.clone() for key, value in model.named_parameters()}
    losses = model.train_step(make_samples(), OptimWrapper(optimizer))
    assert all_finite(losses)
    for role in ('initial', 'guided'):
        learning = [key for key in before if key.startswith(f'generator.{role}.')]
        state = dict(model.named_parameters())
        assert any(not torch.equal(state[key], before[key]) for key in learning), role
    with torch.no_grad():
        sample = model.eval().val_step(make_samples())[0]
    assert not torch.equal(sample.output.round_imgs[0], sample.output.round_imgs[1])
