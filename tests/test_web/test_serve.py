from __future__ import annotations

import numpy as np
from PIL import Image

from fbinpaint_mm.datasets import ProceduralScenesDataset
from fbinpaint_mm.web.serve import SCENE_SEEDS, legend_style, write_examples


def test_examples_are_different_pictures_of_the_size_asked_for(tmp_path):
    paths = write_examples(tmp_path, (48, 64))

    pictures = [np.asarray(Image.open(path)) for path in paths]
    assert [path.name for path in paths][:2] == ['scene_1.png', 'scene_2.png']
    assert {picture.shape for picture in pictures} == {(48, 64, 3)}
    assert len({picture.tobytes() for picture in pictures}) == len(SCENE_SEEDS)


def test_no_example_is_a_scene_for_training():
    training = ProceduralScenesDataset(split='train', num_scenes=10_000)

    seeds = {training.get_data_info(index)['scene_seed'] for index in range(len(training))}
    assert not seeds & set(SCENE_SEEDS)
    assert max(seeds) < min(SCENE_SEEDS)


def test_the_legend_has_the_color_of_each_class():
    css = legend_style(['#ff0000', '#0010ff'])

    assert '#brush-class label:nth-of-type(1) span::before { background: #ff0000; }' in css
    assert '#brush-class label:nth-of-type(2) span::before { background: #0010ff; }' in css
