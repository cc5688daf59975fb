"""A benchmark nobody ran: plausible numbers for every table and plot, the same in every run."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from fbinpaint_mm.benchmark.results import Benchmark, BenchmarkData, EntryResult, RunResult
from fbinpaint_mm.evaluation.score_series import ScoreSeries

HIGHER_IS_BETTER = {'PSNR': True, 'SSIM': True, 'LPIPS': False, 'MAE_hole': False}
UNITS = {'PSNR': 'dB', 'SSIM': '', 'LPIPS': '', 'MAE_hole': ''}

# Name -> (gain in dB over the reference, rounds, seeds, seconds per image).
ENTRIES = {
    'one_way': (0.0, 0, 3, 0.031),
    'feedback': (0.5, 3, 3, 0.052),
    'telea': (-1.6, 0, 1, 0.0019),
}


def image_scores(quality: np.ndarray) -> dict[str, np.ndarray]:
    """Scores that go with a quality in dB."""
    return {
        'PSNR': quality,
        'SSIM': np.clip(0.35 + quality / 45, 0, 1),
        'LPIPS': np.clip(0.75 - quality / 38, 0.01, 1),
        'MAE_hole': 10 ** (-quality / 20) * 1.4,
    }


def make_run(
    seed: int | None, gain: float, rounds: int, areas: np.ndarray, samples: list[str]
) -> RunResult:
    """One run: all metrics, for the final result and each round."""
    rng = np.random.default_rng([int(gain * 10 + 100), seed or 0])
    ease = np.random.default_rng(1).normal(0, 2.5, len(areas))
    series = []
    for round_index in range(rounds + 1):
        missing = 0.15 * (rounds - round_index)
        quality = 27 - 14 * areas + ease + gain - missing + rng.normal(0, 0.6, len(areas))
        for metric, items in image_scores(quality + 0.05 * (seed or 0)).items():
            settings = dict(higher_is_better=HIGHER_IS_BETTER[metric])
            series.append(ScoreSeries(metric, round_index, samples, areas, items, **settings))
        if round_index:
            union = rng.integers(20, 200, (len(areas), 5)) * (rng.random((len(areas), 5)) > 0.4)
            items = np.stack([rng.binomial(union, 0.5 + gain / 10), union], axis=1).astype(float)
            settings = dict(reduction='iou')
            series.append(ScoreSeries('mIoU_hole', round_index, samples, areas, items, **settings))
    series += [replace(one, round=None) for one in series if one.round == rounds]
    if not rounds:
        series = [one for one in series if one.round is None]
    spent = dict(iterations=2000, seconds=431.0 + (seed or 0), cpu_seconds=402.0, flops=3.2e15)
    training = {} if seed is None else spent
    checkpoint = None if seed is None else f'work_dirs/seed_{seed}.pth'
    return RunResult(seed, checkpoint, series, {'FID': 60.0 - gain}, training)


def make_speed(seconds: float, rounds: int, learned: bool) -> dict:
    """Speed of one entry."""
    speed = dict(
        parameters=1_240_000 if learned else 0,
        seconds_per_image=seconds,
        conditions=dict(warm_up=1, repeats=9, batch_size=1, threads=2),
    )
    if learned:
        speed.update(
            parameters_trained=1_900_000,
            flops_per_image=2.1e9 * seconds / 0.031,
            peak_memory=312 * 2**20,
            training_seconds_per_iteration=6 * seconds,
            training_flops_per_iteration=1.3e11,
            training_peak_memory=1.4 * 2**30,
        )
    if rounds:
        shares = (np.arange(rounds + 1) + 1) / (rounds + 1)
        speed['rounds'] = [
            dict(seconds_per_image=seconds * share, flops_per_image=3.6e9 * share)
            for share in shares
        ]
    return speed


def make_protocol() -> dict[str, dict]:
    """What each metric measures."""
    shared = dict(data_range=255, color_order='BGR', image='composite', region='whole image')
    protocol = {
        name: dict(unit=UNITS[name], **shared, higher_is_better=higher)
        for name, higher in HIGHER_IS_BETTER.items()
    }
    protocol['LPIPS']['backbone'] = 'alex'
    protocol['mIoU_hole'] = dict(unit='percent', region='hole', higher_is_better=True)
    protocol['FID'] = dict(unit='', **shared, higher_is_better=False, backbone='inception_v3')
    return protocol


def make_fake_benchmark(images: int) -> Benchmark:
    """Three entries, one of them with rounds, and one that failed."""
    areas = np.random.default_rng(0).uniform(0.1, 0.6, images)
    samples = [f'scene_{index:03d}.png' for index in range(images)]
    entries = []
    for name, (gain, rounds, seeds, seconds) in ENTRIES.items():
        runs = [
            make_run(seed if seeds > 1 else None, gain, rounds, areas, samples)
            for seed in range(seeds)
        ]
        speed = make_speed(seconds, rounds, learned=seeds > 1)
        trained = dict(iterations=2000, images=512, labeled=64) if seeds > 1 else {}
        result = EntryResult(name, f'configs/{name}.py', runs, speed, trained=trained)
        entries.append(result)
    error = "KeyError: 'backbone'\nthe config has no backbone"
    entries.append(EntryResult('broken', 'configs/broken.py', error=error))
    data = BenchmarkData(
        'configs/fbinpaint_demo.py', 'val', samples, areas.tolist(), (64, 64), 'ab' * 32
    )
    environment = dict(
        command='python tools/benchmark.py configs/one_way.py', device='CPU', threads=2
    )
    return Benchmark(data, 'one_way', entries, make_protocol(), environment)
