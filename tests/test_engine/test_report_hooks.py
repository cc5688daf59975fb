"""What a validation says in the log."""

from __future__ import annotations

import json
import logging
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from mmagic.registry import HOOKS
from mmagic.structures import DataSample
from mmengine.dataset import BaseDataset
from mmengine.model import BaseModel
from mmengine.runner import Runner

from fbinpaint_mm.engine import CorrectionReportHook, FeedbackVisualizationHook, RoundReportHook
from fbinpaint_mm.engine.hooks.report_hooks import finite_scores, latest_picture, read_history
from fbinpaint_mm.evaluation import CorrectionRate, HoleIoU
from fbinpaint_mm.user_error import UserError


class ToyData(BaseDataset):
    """Flat images with a square hole; the label map is all class 1."""

    METAINFO = {'classes': ('sky', 'road'), 'palette': [(80, 120, 200), (120, 120, 120)]}

    def load_data_list(self):
        return [{'value': 40 * index} for index in range(5)]

    def prepare_data(self, idx):
        mask = torch.zeros(1, 32, 32)
        mask[:, 8:24, 8:24] = 1
        sample = DataSample(
            gt_img=torch.full((3, 32, 32), self.get_data_info(idx)['value'], dtype=torch.uint8),
            mask=mask,
            gt_seg=torch.ones(1, 32, 32, dtype=torch.long),
            metainfo={'gt_path': f'toy/{idx:03d}.png'},
        )
        return {'inputs': torch.zeros(3, 32, 32), 'data_samples': sample}


class ToyInpaintor(BaseModel):
    """Each round halves the error of one gray shade; each training step makes it smaller."""

    def __init__(self):
        super().__init__()
        self.shade = torch.nn.Parameter(torch.tensor(64.0))

    def forward(self, inputs, data_samples=None, mode='tensor'):
        if mode == 'loss':
            return {'loss': self.shade.square()}
        return [self.complete(sample) for sample in data_samples]

    def complete(self, sample):
        error = self.shade.detach() * sample.mask
        images = torch.stack([sample.gt_img + error / 2**r for r in range(3)])
        segs = torch.where(sample.mask > 0, torch.tensor([[[0]], [[1]]]), 1)
        output = DataSample(pred_img=images[-1], round_imgs=images, round_segs=segs)
        output.round_confidences = torch.ones(3, 1, 32, 32)
        sample = sample.clone()
        sample.output = output
        return sample


METRICS = [
    {'type': 'PerRound', 'metric': {'type': 'FinitePSNR'}},
    {'type': 'PerRound', 'metric': {'type': 'HoleMAE'}},
    {'type': 'HoleIoU'},
]


def make_runner(
    work_dir,
    max_iters=4,
    resume=False,
    multi=True,
    pictures=2,
    save_best='PSNR',
    metrics=METRICS,
):
    def loader(shuffle):
        sampler = {'type': 'DefaultSampler', 'shuffle': shuffle}
        return {'batch_size': 2, 'sampler': sampler, 'dataset': ToyData(), 'num_workers': 0}

    checkpoint = {'type': 'CheckpointHook', 'interval': 2, 'by_epoch': False}
    evaluator = metrics if multi else {'type': 'mmengine.Evaluator', 'metrics': metrics}
    return Runner(
        model=ToyInpaintor(),
        work_dir=str(work_dir),
        train_dataloader=loader(True),
        val_dataloader=loader(False),
        train_cfg={'by_epoch': False, 'max_iters': max_iters, 'val_interval': 2},
        val_cfg={'type': 'MultiValLoop'} if multi else {'type': 'mmengine.ValLoop'},
        val_evaluator=evaluator,
        optim_wrapper={'optimizer': {'type': 'SGD', 'lr': 0.1}},
        default_hooks={'checkpoint': {**checkpoint, 'save_best': save_best, 'rule': 'greater'}},
        custom_hooks=[FeedbackVisualizationHook(max_samples=pictures), RoundReportHook()],
        visualizer={
            'type': 'FeedbackVisualizer',
            'name': f'{work_dir}{max_iters}',
            'vis_backends': [{'type': 'LocalVisBackend'}],
        },
        resume=resume,
        default_scope='mmagic',
        experiment_name=f'{Path(work_dir).name}_{max_iters}_{multi}',
    )


def read_log(runner):
    return next(Path(runner.log_dir).glob('*.log')).read_text()


@pytest.mark.parametrize('multi', [True, False])
def test_training_ends_with_scores_of_every_round_and_a_picture(tmp_path, multi):
    """mmagic's validation loop and evaluator, and mmengine's."""
    runner = make_runner(tmp_path, multi=multi)
    runner.train()
    log = read_log(runner)
    for iteration in (2, 4):
        assert log.count(f'Scores of every round (iteration {iteration};') == 1
    assert log.count('Scores of every round') == 2, 'each table once'
    *_, best, picture = log.strip().splitlines()
    assert 'Best checkpoint: ' in best
    assert Path(best.rpartition(': ')[2]).is_file()
    assert 'Picture of every round: ' in picture
    assert Path(picture.rpartition(': ')[2]).name == '001_iter_4.png'
    pictures = Path(runner.log_dir).glob('vis_data/vis_image/*.png')
    assert sorted(path.name for path in pictures) == [
        '000_iter_2.png',
        '000_iter_4.png',
        '001_iter_2.png',
        '001_iter_4.png',
    ]
    protocol = json.loads((tmp_path / 'round_scores.json').read_text())['protocol']
    assert set(protocol) == {'PSNR', 'MAE_hole', 'mIoU_hole', 'mIoU', 'aAcc_hole'}
    assert protocol['PSNR']['unit'] == 'dB'
    assert protocol['MAE_hole']['region'] == 'hole'


def read_scores(work_dir):
    return json.loads((work_dir / 'round_scores.json').read_text())['iterations']


def test_the_file_holds_every_validation(tmp_path):
    make_runner(tmp_path, pictures=0).train()
    scores = read_scores(tmp_path)
    assert list(scores) == ['2', '4']
    assert scores['4']['round2/mIoU_hole'] == scores['4']['mIoU_hole'] == 100
    assert scores['4']['round1/mIoU_hole'] == 0
    assert scores['2']['round0/MAE_hole'] == pytest.approx(4 * scores['2']['MAE_hole'])
    assert scores['4']['PSNR'] > scores['2']['PSNR']
    assert not list(tmp_path.glob('*.part'))


def test_resuming_keeps_earlier_entries_and_a_fresh_run_does_not(tmp_path):
    make_runner(tmp_path, max_iters=2, pictures=0).train()
    first = read_scores(tmp_path)
    make_runner(tmp_path, max_iters=4, pictures=0, resume=True).train()
    resumed = read_scores(tmp_path)
    assert list(resumed) == ['2', '4']
    assert resumed['2'] == first['2']
    make_runner(tmp_path, max_iters=3, pictures=0).train()
    assert list(read_scores(tmp_path)) == ['2', '3']


def test_validation_alone_logs_the_table_and_writes_no_file(tmp_path):
    runner = make_runner(tmp_path, max_iters=5, pictures=0, save_best=None)
    runner.val()
    assert 'Scores of every round (iteration 0' in read_log(runner)
    assert not (tmp_path / 'round_scores.json').exists()


def test_bins_are_logged_below_the_rounds(tmp_path):
    metrics = [{**METRICS[1], 'area_bins': (0.1, 0.2, 0.3)}]
    make = {'max_iters': 6, 'pictures': 0, 'save_best': None, 'metrics': metrics}
    runner = make_runner(tmp_path, **make)
    runner.val()
    log = read_log(runner)
    *_, table = log.partition('Scores by hole area (iteration 0)')
    cells = [[cell.strip() for cell in line.split('|')[1:-1]] for line in table.splitlines()]
    rows = [row for row in cells if row]
    assert rows[0] == ['MAE_hole, hole %', 'round 0', 'round 1', 'round 2', 'images']
    # Each round halves the error of 64 gray levels; the hole is a quarter of the image.
    assert rows[-1] == ['20-30', '0.2510', '0.1255 ▲', '0.0627 ▲', '5']


def test_a_damaged_file_is_named_before_training_goes_on(tmp_path):
    file = tmp_path / 'round_scores.json'
    for text in ('{"2": {', '[1, 2]', '{"2": {}}', '{"iterations": {"two": {}}}'):
        file.write_text(text)
        with pytest.raises(UserError, match=r'round_scores\.json is not a score history.*move it'):
            read_history(file)


def test_scores_that_are_no_finite_numbers_are_left_out(caplog):
    logger = logging.getLogger('toy')
    runner = SimpleNamespace(logger=logger)
    metrics = {'PSNR': float('inf'), 'SSIM': torch.tensor(0.5), 'No Metric': 'Nan'}
    with caplog.at_level(logging.WARNING, logger='toy'):
        scores = finite_scores(runner, metrics)
    assert scores == {'SSIM': 0.5}
    assert 'no finite score, left out of the report: PSNR, No Metric' in caplog.text


def test_pictures_of_other_things_are_not_pointed_to(tmp_path):
    folder = tmp_path / 'vis_data' / 'vis_image'
    folder.mkdir(parents=True)
    for name in ('000_iter_2.png', '001_iter_2.png', 'class_memory_map_4.png'):
        (folder / name).touch()
    assert latest_picture(tmp_path) == folder / '001_iter_2.png'


class Visualizer:
    """Notes the scalars it is given."""

    def __init__(self):
        self.scalars = []

    def add_scalars(self, scalars, step):
        self.scalars.append((scalars, step))


@pytest.fixture
def runner(caplog):
    caplog.set_level(logging.INFO, logger='correction')
    metric = CorrectionRate()
    metric.dataset_meta = {'classes': ('sky', 'road')}
    metric.class_counts = np.array([[[[3.0, 0], [4, 0]], [[1, 0], [6, 0]]]])
    loop = SimpleNamespace(evaluators=[SimpleNamespace(metrics=[HoleIoU(), metric])])
    return SimpleNamespace(
        val_loop=loop, iter=500, visualizer=Visualizer(), logger=logging.getLogger('correction')
    )


@pytest.mark.parametrize('multi', [True, False])
def test_logs_scalars_and_a_table(runner, caplog, multi):
    if not multi:
        runner.val_loop = SimpleNamespace(evaluator=runner.val_loop.evaluators[0])
    HOOKS.build({'type': 'CorrectionReportHook'}).after_val_epoch(runner)
    ((scalars, step),) = runner.visualizer.scalars
    assert step == 500
    assert scalars == {
        'correction/sky/round1/mended': 75.0,
        'correction/sky/round1/spoiled': pytest.approx(100 / 6),
    }
    assert 'iteration 500' in caplog.text
    assert '| sky         |     10 |                   40.0 → 20.0 |' in caplog.text
    assert caplog.records[0].file_only, 'a row for each class fills the console'


@pytest.mark.parametrize('what', ['no metric', 'no maps', 'no loop'])
def test_says_once_why_it_does_nothing(runner, caplog, what):
    reason = 'there are no maps' if what == 'no maps' else 'val_evaluator has no CorrectionRate'
    evaluator = runner.val_loop.evaluators[0]
    if what == 'no maps':
        evaluator.metrics[1].class_counts = None
    elif what == 'no metric':
        del evaluator.metrics[1]
    else:
        runner.val_loop = None
    hook = CorrectionReportHook()
    hook.after_val_epoch(runner)
    hook.after_val_epoch(runner)
    assert [record.message for record in caplog.records] == [
        f'CorrectionReportHook does nothing: {reason}'
    ]
    assert not runner.visualizer.scalars
