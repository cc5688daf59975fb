"""The command lines of the README on the demo config, made tiny: train, test, resume."""

import json
import re
import runpy
import sys
from pathlib import Path

import pytest

TINY = [
    'model.generator.initial.base_channels=4',
    'model.generator.guided.base_channels=4',
    'train_dataloader.batch_size=2',
    'train_dataloader.num_workers=0',
    'train_dataloader.persistent_workers=False',
    'train_dataloader.dataset.num_scenes=8',
    'train_dataloader.dataset.image_size=32',
    *(
        f'{part}_dataloader.{setting}'
        for part in ('val', 'test')
        for setting in (
            'batch_size=2',
            'num_workers=0',
            'persistent_workers=False',
            'dataset.num_scenes=2',
            'dataset.image_size=32',
        )
    ),
    'train_cfg.val_interval=3',
    'default_hooks.checkpoint.interval=3',
    'default_hooks.logger.interval=1',
]


@pytest.fixture(scope='module')
def run(repository):
    """Runs a tool as a command line does; test_dist_train.py does so in new processes."""

    def start(tool, *arguments, options=()):
        path = str(repository / 'tools' / f'{tool}.py')
        command = [path, *map(str, arguments), '--cfg-options', *TINY, *options]
        with pytest.MonkeyPatch.context() as patch:
            patch.syspath_prepend(repository / 'tools')  # as Python does for a script
            patch.setattr(sys, 'argv', command)
            patch.setenv('LOCAL_RANK', '0')
            patch.chdir(repository)
            runpy.run_path(path, run_name='__main__')

    return start


@pytest.fixture(scope='module')
def work_dir(tmp_path_factory):
    return tmp_path_factory.mktemp('demo')


@pytest.fixture(scope='module')
def trained(run, repository, work_dir):
    """Log of three iterations."""
    config = repository / 'configs/fbinpaint_demo.py'
    run('train', config, '--work-dir', work_dir, options=['train_cfg.max_iters=3'])
    return newest_log(work_dir)


def newest_log(work_dir):
    logs = sorted(Path(work_dir).glob('*/*.log'), key=lambda path: path.stat().st_mtime_ns)
    return logs[-1].read_text()


def test_training_ends_with_scores_of_every_round_and_a_picture(trained, work_dir):
    header = re.search(r'^\|[^\n]*round 0 \|[^\n]*round 1 \|[^\n]*round 2 \|', trained, re.M)
    assert header, trained[-2000:]
    for score in ('PSNR', 'SSIM', 'MAE', 'MAE_hole', 'mIoU_hole'):
        assert re.search(rf'^\| {score} +\|', trained, re.M), score
    last = trained.strip().splitlines()[-1]
    assert 'Picture of every round: ' in last
    picture = Path(last.rpartition(': ')[2])
    assert picture.is_file()
    assert picture.suffix == '.png'
    assert work_dir in picture.parents
    assert (work_dir / 'iter_3.pth').is_file()
    assert list(work_dir.glob('best_PSNR_*.pth'))
    assert list(work_dir.glob('*/vis_data/events.out.tfevents*')), 'no TensorBoard file'
    stored = json.loads((work_dir / 'round_scores.json').read_text())
    assert list(stored['iterations']) == ['3']
    quality = {'PSNR', 'SSIM', 'MAE', 'MAE_hole', 'mIoU_hole', 'mIoU', 'aAcc_hole'}
    assert set(stored['protocol']) == quality | {'correction/mended', 'correction/spoiled'}


@pytest.mark.usefixtures('trained')
def test_a_checkpoint_is_tested_with_more_rounds(run, repository, work_dir, tmp_path):
    scores = tmp_path / 'scores.json'
    arguments = [repository / 'configs/fbinpaint_demo.py', work_dir / 'iter_3.pth']
    run(
        'test',
        *arguments,
        '--out',
        scores,
        '--work-dir',
        tmp_path,
        options=['model.test_cfg.rounds=3'],
    )
    stored = json.loads(scores.read_text())
    found = stored['scores']
    for name in ('PSNR', 'SSIM', 'MAE'):
        assert {f'round{r}/{name}' for r in range(4)} <= found.keys()
        assert found[name] == found[f'round3/{name}']
    assert {f'round{r}/mIoU_hole' for r in (1, 2, 3)} <= found.keys()
    assert 0 < found['round3/PSNR'] < 60
    bins = ('10-20', '20-30', '30-40', '40-50', '50-60')
    assert sum(found[f'PSNR_{name}_count'] for name in bins) == found['PSNR_count'] == 2
    assert stored['protocol']['PSNR']['unit'] == 'dB'


@pytest.mark.usefixtures('trained')
def test_resume_continues_from_the_last_iteration(run, repository, work_dir):
    config = repository / 'configs/fbinpaint_demo.py'
    run('train', config, '--work-dir', work_dir, '--resume', options=['train_cfg.max_iters=4'])
    log = newest_log(work_dir)
    steps = re.findall(r'Iter\(train\) +\[(\d+)/4\]', log)
    assert steps == ['4']
    assert (work_dir / 'iter_4.pth').is_file()
