"""Batches, weights and optimizers for the model of tests/small_inpaintor.py."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from mmagic.structures import DataSample
from mmengine.optim import OptimWrapper, OptimWrapperDict
from torch import Tensor, nn

from fbinpaint_mm.models.round import Round

CLASSES = 5
PREPROCESSOR = dict(type='SemiSupervisedDataPreprocessor', num_classes=CLASSES)
BATCHES = {'mixed': (True, False), 'labeled': (True, True), 'unlabeled': (False, False)}
PIXEL = ['loss_l1_hole', 'loss_l1_valid', 'loss_confidence']
# Parts of the loop and of the model without semantics and without feedback.
NO_MAP = dict.fromkeys(['segmentor', 'feedback', 'recorrection'])
NO_SEMANTICS = dict(generator=NO_MAP, teacher=None, losses=dict(consistency=None))
ONE_WAY = dict(feedback=None, recorrection=None)
SUPERVISED = dict(teacher=None, losses=dict(consistency=None))


def make_batch(
    labeled: tuple[bool, ...] = (True, False), size: tuple[int, int] = (16, 16), first: int = 0
) -> dict:
    """A batch as a dataloader collates it; every sample has the same hole."""
    inputs, samples = [], []
    for index, flag in enumerate(labeled, first):
        generator = torch.Generator().manual_seed(index)
        image = torch.randint(0, 256, (3, *size), generator=generator, dtype=torch.uint8)
        labels = torch.randint(0, CLASSES, (1, *size), generator=generator)
        mask = torch.zeros(1, *size, dtype=torch.uint8)
        mask[:, size[0] // 4 : size[0] * 3 // 4, size[1] // 4 : size[1] * 3 // 4] = 1
        meta = dict(gt_path=f'folder/{index:03d}.png', sample_idx=index, is_labeled=flag)
        labels = labels if flag else torch.full_like(labels, 255)
        samples.append(DataSample(gt_img=image, mask=mask, gt_seg=labels, metainfo=meta))
        inputs.append(torch.where(mask == 1, 127.5, image.float()))
    return dict(inputs=inputs, data_samples=samples)


def guided_inputs(h: int = 8, w: int = 12, classes: int = 3) -> dict[str, Tensor]:
    """Random arguments of a network in the slot ``guided``, for two images."""
    mask = (torch.rand(2, 1, h, w) > 0.5).float()
    image = torch.rand(2, 3, h, w) * 2 - 1
    return dict(
        masked_img=image * (1 - mask),
        mask=mask,
        current=image,
        semantic_map=torch.randn(2, classes, h, w).softmax(1),
        confidence=torch.rand(2, 1, h, w),
    )


def make_effective(module: nn.Module) -> nn.Module:
    """Random weights and prototypes: some parts start at zero, where nothing shows."""
    generator = torch.Generator().manual_seed(5)
    with torch.no_grad():
        for parameter in module.parameters():
            parameter.copy_(torch.randn(parameter.shape, generator=generator) * 0.2)
    memory = getattr(module, 'loop', module).memory
    if memory is not None:
        memory.prototypes.copy_(torch.randn(memory.prototypes.shape, generator=generator))
    return module


def make_wrappers(model: nn.Module, lr: float = 0.1, **options: object) -> OptimWrapperDict:
    """Plain gradient descent for the generator and, if there is one, the discriminator."""
    parts = {name: getattr(model, name) for name in ('generator', 'disc')}
    return OptimWrapperDict(
        **{
            name: OptimWrapper(torch.optim.SGD(part.parameters(), lr=lr), **options)
            for name, part in parts.items()
            if part is not None
        }
    )


def train(model: nn.Module, *batches: dict, lr: float = 0.1) -> dict[str, Tensor]:
    """Steps on these batches, or on the usual one, the class memory moving; the last losses."""
    wrappers = make_wrappers(model, lr)
    for batch in batches or [make_batch()]:
        losses = model.train_step(batch, wrappers)
        model.update_class_memory()
    return losses


def all_finite(losses: dict[str, Tensor]) -> bool:
    """Whether no logged value is infinite or not a number."""
    return all(torch.isfinite(torch.as_tensor(value)).all() for value in losses.values())


def assert_same_images(rounds: Sequence[Round], others: Sequence[Round]) -> None:
    """Composites of as many rounds, equal in every bit."""
    for one, other in zip(rounds, others, strict=True):
        assert torch.equal(one.composite, other.composite)


def parameters_of(module: nn.Module) -> dict[str, Tensor]:
    """Copies of all parameters, by name."""
    return {name: value.detach().clone() for name, value in module.named_parameters()}


def reached(module: nn.Module) -> set[str]:
    """Names of the parameters that have a gradient other than zero."""
    return {n for n, p in module.named_parameters() if p.grad is not None and p.grad.any()}
