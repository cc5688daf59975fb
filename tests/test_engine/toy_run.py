"""A two-network model small enough that a Runner takes milliseconds."""

from __future__ import annotations

from pathlib import Path

import torch
from mmagic.structures import DataSample
from mmengine.dataset import pseudo_collate
from mmengine.evaluator import BaseMetric, Evaluator
from mmengine.model import BaseModel
from mmengine.optim import OptimWrapper, OptimWrapperDict
from mmengine.runner import Runner
from torch import nn
from torch.optim import Adam
from torch.utils.data import Dataset

NUM_SAMPLES = 8


class ToyDataset(Dataset):
    """Eight numbers with a name."""

    metainfo: dict = {}

    def __len__(self) -> int:
        return NUM_SAMPLES

    def __getitem__(self, index: int) -> dict:
        name = f'images/{index}.png'
        return dict(
            inputs=torch.linspace(-1, 1, 4) + index / NUM_SAMPLES,
            data_samples=DataSample(metainfo=dict(gt_path=name)),
        )


class ToyModel(BaseModel):
    """Steps a discriminator and then a generator with a normalization layer, as inpaintors do.

    ``scale`` (iteration, term) -> factor of a loss, to make it diverge.
    """

    def __init__(self) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.generator = nn.Sequential(nn.Linear(4, 4), nn.BatchNorm1d(4), nn.Linear(4, 1))
        self.disc = nn.Linear(1, 1)
        self.calls = 0
        self.first = 0
        self.factors: dict = {}

    def factor(self, term: str) -> float:
        return self.factors.get((self.first + self.calls, term), 1.0)

    def forward(self, inputs=None, data_samples=None, mode='predict'):
        return data_samples

    def train_step(self, data: dict, optim_wrapper: OptimWrapperDict) -> dict:
        # What is wrong with an image is wrong before the first layer.
        inputs = torch.stack(data['inputs']) * self.factor('image')
        fake = self.generator(inputs)
        loss, disc_vars = self.parse_losses(
            dict(loss_disc=self.disc(fake.detach()).square().mean() * self.factor('loss_disc'))
        )
        optim_wrapper['disc'].update_params(loss)
        self.disc.requires_grad_(False)
        losses = dict(
            loss_l1=fake.abs().mean() * self.factor('loss_l1'),
            loss_gan=self.disc(fake).square().mean() * self.factor('loss_gan'),
            # Finite, with a gradient that is not: that of the root of zero.
            loss_root=(fake * 0).abs().sum().sqrt() if self.factor('root') != 1 else fake.sum() * 0,
        )
        self.disc.requires_grad_(True)
        loss, log_vars = self.parse_losses(losses)
        optim_wrapper['generator'].update_params(loss)
        self.calls += 1
        return {'loss_disc': disc_vars['loss_disc'], **log_vars}


class ToyMetric(BaseMetric):
    """A score that rises at each validation."""

    def __init__(self, **kwargs) -> None:
        super().__init__(**kwargs)
        self.validations = 0

    def process(self, data_batch, data_samples) -> None:
        self.results.append(0)

    def compute_metrics(self, results) -> dict:
        self.validations += 1
        return dict(PSNR=float(self.validations))


def toy_runner(
    work_dir: Path,
    max_iters: int,
    checkpoint: dict | None = None,
    custom_hooks: list | None = None,
    resume: Path | None = None,
    validate: bool | ToyMetric = False,
    dataset: Dataset | None = None,
    runner_type: type[Runner] = Runner,
    logger: dict | None = None,
) -> Runner:
    """A Runner of the toy, not yet started; it validates with a ``ToyMetric``, or another one."""
    model, dataset = ToyModel(), dataset or ToyDataset()
    settings = dict(type='WholeCheckpointHook', by_epoch=False, interval=2, max_keep_ckpts=1)
    loader = dict(batch_size=2, num_workers=0, dataset=dataset, collate_fn=pseudo_collate)
    validation = {}
    if validate:
        sampler = dict(type='DefaultSampler', shuffle=False)
        validation = dict(
            val_dataloader=dict(loader, sampler=sampler),
            val_cfg=dict(type='mmengine.ValLoop'),
            val_evaluator=Evaluator(ToyMetric() if validate is True else validate),
        )
    return runner_type(
        model=model,
        work_dir=str(work_dir),
        train_dataloader=dict(loader, sampler=dict(type='InfiniteSampler', seed=0)),
        train_cfg=dict(by_epoch=False, max_iters=max_iters, val_interval=2),
        optim_wrapper=OptimWrapperDict(
            generator=OptimWrapper(Adam(model.generator.parameters(), lr=0.1)),
            disc=OptimWrapper(Adam(model.disc.parameters(), lr=0.1)),
        ),
        default_hooks=dict(
            checkpoint={**settings, **(checkpoint or {})},
            timer=dict(type='mmengine.IterTimerHook'),
            logger=logger or dict(type='LoggerHook', interval=1),
        ),
        custom_hooks=custom_hooks,
        load_from=None if resume is None else str(resume),
        resume=resume is not None,
        default_scope='mmagic',
        log_processor=dict(type='LogProcessor', by_epoch=False),
        experiment_name=f'toy_{work_dir.name}_{max_iters}_{resume is not None}_{id(model)}',
        randomness=dict(seed=0),
        **validation,
    )


def state_of(checkpoint):
    """Parameters, optimizer and iteration of a checkpoint."""
    found = torch.load(checkpoint, weights_only=False)
    return found['state_dict'], found['optimizer'], found['meta']['iter']


def assert_same_state(one, other):
    """Two checkpoints make a run continue with the same."""
    one, other = state_of(one), state_of(other)
    assert one[2] == other[2]
    for name, value in one[0].items():
        assert torch.equal(value, other[0][name]), name
    for network, wrapper in one[1].items():
        for index, state in wrapper['state'].items():
            for name, value in state.items():
                assert torch.equal(value, other[1][network]['state'][index][name]), name
