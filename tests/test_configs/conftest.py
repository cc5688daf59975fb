import pytest
import torch
from mmagic.structures import DataSample


def _remove_downloads(node):
    """Let nothing below a config be fetched: random weights instead."""
    if isinstance(node, list):
        for child in node:
            _remove_downloads(child)
    if not isinstance(node, dict):
        return
    if 'pretrained' in node:
        node['pretrained'] = None
    if (node.get('init_cfg') or {}).get('type') == 'Pretrained':
        node['init_cfg'] = None
    if node.get('type') in ('VGGPerceptualLoss', 'LPIPS', 'mmagic.TorchvisionMobileNetV2'):
        node['weights'] = 'none'
    for child in node.values():
        _remove_downloads(child)


def _fabricate_batch(size, num_classes):
    """One labelled and one unlabelled image of random pixels, as a dataloader collates them."""
    inputs, samples = [], []
    for index, is_labeled in enumerate((True, False)):
        image = torch.randint(0, 256, (3, *size), dtype=torch.uint8)
        mask = torch.zeros(1, *size, dtype=torch.uint8)
        mask[:, size[0] // 4 : size[0] // 2, size[1] // 4 : size[1] // 2] = 1
        labels = torch.randint(0, num_classes, (1, *size))
        samples.append(
            DataSample(
                gt_img=image,
                mask=mask,
                gt_seg=labels if is_labeled else torch.full_like(labels, 255),
                metainfo=dict(gt_path=f'{index}.png', sample_idx=index, is_labeled=is_labeled),
            )
        )
        inputs.append(torch.where(mask == 1, 127.5, image.float()))
    return dict(inputs=inputs, data_samples=samples)


@pytest.fixture
def remove_downloads():
    """Changes a config in place so that nothing is fetched: random weights instead."""
    return _remove_downloads


@pytest.fixture
def fabricate_batch():
    """Makes a batch of a labelled and an unlabelled image from a size and a number of classes."""
    return _fabricate_batch
