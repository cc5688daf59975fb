"""What it costs to load the data of a training, for a data set of any size."""

from __future__ import annotations

import multiprocessing
import os
import time
from argparse import Namespace
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from mmagic.registry import DATASETS
from mmengine.config import Config
from mmengine.runner import Runner

from fbinpaint_mm.benchmark.fresh_process import call_in_process, restore_config
from fbinpaint_mm.benchmark.report.formats import format_bytes, format_seconds, markdown_table
from fbinpaint_mm.benchmark.speed.meters import PeakMemory
from fbinpaint_mm.benchmark.speed.training_speed import training_speed
from fbinpaint_mm.config_file import read_config
from fbinpaint_mm.optimizer_settings import drop_idle_optimizers
from fbinpaint_mm.user_error import UserError
from fbinpaint_mm.write_file import check_writable, write_file

HEADERS = ('workers', 'start-up', 'memory', 'of each worker', 'first batch', 'samples/s')
WARM_UP = 4  # batches


def run_loading(args: Namespace) -> None:
    """Measure the loader with each number of workers, and what a training step consumes.

    Args:
        args: Of ``tools/benchmark_scale.py``; ``args.out`` gets ``loading.md`` and the log.

    Raises:
        UserError: An option has a key that nothing reads, or the data cannot be used.
        FileNotFoundError: The config or the data are missing.
        ChildProcessError: A measurement failed.
    """
    cfg = read_config(args.config, args.cfg_options)
    drop_idle_optimizers(cfg)
    check_writable(args.out)
    call = partial(call_in_process, log=args.out / 'loading.log', device=args.device)
    with TemporaryDirectory() as folder:
        settings = link_data(cfg, args.loader, Path(folder)).to_dict()
        rows = [call(loading_cost, settings, workers, args.limit) for workers in args.workers]
        step = call(training_speed, settings, args.device, args.limit)
    consumed = cfg.train_dataloader.batch_size / step['training_seconds_per_iteration']
    text = (
        f'{markdown_table(HEADERS, rows)}\n\n{args.loader} images. A training step consumes '
        f'{consumed:.2f} samples/s with {step["conditions"]["threads"]} threads.'
    )
    write_file(args.out / 'loading.md', text + '\n')
    print(text)


def link_data(cfg: Config, count: int, folder: Path) -> Config:
    """A config whose training set is as large as wanted: links to the images of the given one.

    Args:
        cfg: Its ``train_dataloader.dataset`` is a ``SemanticInpaintingDataset`` of label maps.
        count: Number of images, without those of ``unlabeled_prefix``, which stay.
        folder: Gets ``images`` and ``annotations``.

    Returns:
        The given config, changed.

    Raises:
        UserError: It has no folders, or they cannot be used.
        FileNotFoundError: There is no such folder.
    """
    settings = cfg.train_dataloader.dataset
    if 'data_prefix' not in settings:
        raise UserError(
            f'--loader: train_dataloader.dataset is a {settings.type}, expected one that reads '
            'images and label maps from folders'
        )
    settings.update(labeled_list=None)
    dataset = DATASETS.build(dict(settings, labeled_ratio=1, check='off', pipeline=[]))
    given = dataset.labeled_indices
    folders = dict(img_path=folder / 'images', seg_map_path=folder / 'annotations')
    for one in folders.values():
        one.mkdir()
    for index in range(count):
        sample = dataset.get_data_info(given[index % len(given)])
        end = next(end for end in dataset.img_suffixes if sample['gt_path'].endswith(end))
        os.symlink(sample['gt_path'], folders['img_path'] / f'{index:06d}{end}')
        label = folders['seg_map_path'] / f'{index:06d}{dataset.seg_map_suffix}'
        os.symlink(sample['seg_map_path'], label)
    prefix = {key: str(one) for key, one in folders.items()}
    further = dataset.unlabeled_folders
    settings.update(data_root='', data_prefix=prefix, unlabeled_prefix=further)
    return cfg


def loading_cost(settings: dict[str, Any], workers: int, duration: float) -> tuple[str, ...]:
    """Cost of loading, in this process.

    Args:
        settings: The whole config.
        workers: Processes that load; with 0 this one does.
        duration: Seconds to load batches for.

    Returns:
        Texts under ``HEADERS``: seconds until the data set is listed and checked, growth of the
        memory of this process by then, memory of each worker that it shares with none, seconds to
        the first batch, and samples per second.
    """
    cfg = restore_config(settings)
    loader_settings = cfg.train_dataloader
    loader_settings.update(num_workers=workers, persistent_workers=workers > 0)
    if workers:  # as in a training: this process was spawned, and would spawn its workers
        loader_settings.update(multiprocessing_context=cfg.env_cfg.mp_cfg.mp_start_method)
    memory, begin = PeakMemory('cpu'), time.perf_counter()
    loader = Runner.build_dataloader(loader_settings, seed=0)
    startup, used = time.perf_counter() - begin, memory.bytes()
    begin, batches = time.perf_counter(), iter(loader)
    next(batches)
    first = time.perf_counter() - begin
    for _ in range(WARM_UP + 2 * workers):  # what workers have loaded ahead
        next(batches)
    begin, count = time.perf_counter(), 0
    while time.perf_counter() - begin < duration:
        count += len(next(batches)['inputs'])
    rate = count / (time.perf_counter() - begin)
    own = [private_memory(process.pid) for process in multiprocessing.active_children()]
    each = format_bytes(max(own)) if own else '-'
    return (
        *(str(workers), format_seconds(startup), format_bytes(used), each),
        *(format_seconds(first), f'{rate:.1f}'),
    )


def private_memory(process: int | None) -> int:
    """Memory in bytes that a process shares with no other; 0 where the system does not tell."""
    path = Path(f'/proc/{process}/smaps_rollup')
    if not path.is_file():
        return 0
    lines = [line for line in path.read_text().splitlines() if line.startswith('Private_')]
    return 1024 * sum(int(line.split()[1]) for line in lines)
