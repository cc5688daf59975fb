from __future__ import annotations

from types import SimpleNamespace

import pytest
from mmseg.evaluation import IoUMetric

from fbinpaint_mm.evaluation import FinitePSNR, HoleIoU
from fbinpaint_mm.evaluation.metrics.map_metric import check_classes
from fbinpaint_mm.user_error import UserError


def loop_of(metric, classes):
    """One of mmagic's, with two data sets, or mmengine's with the first alone."""
    loaders = [
        SimpleNamespace(dataset=SimpleNamespace(metainfo=dict(classes=names)))
        for names in (classes, ('another',))
    ]
    evaluators = [SimpleNamespace(metrics=[one]) for one in (metric, FinitePSNR())]
    return (
        SimpleNamespace(dataloaders=loaders, evaluators=evaluators),
        SimpleNamespace(dataloader=loaders[0], evaluator=evaluators[0]),
    )


@pytest.mark.parametrize('metric', [HoleIoU(), IoUMetric()])
def test_maps_of_other_classes_are_not_scored(metric):
    for loop in loop_of(metric, ('road', 'sky')):
        for trained_on in (('skin', 'hair'), ['sky', 'road'], ('road',)):
            with pytest.raises(UserError, match=r'trained on the classes .*test are road, sky'):
                check_classes(trained_on, loop)


def test_equal_or_unknown_classes_and_images_alone_are_scored():
    for loop in loop_of(HoleIoU(), ('road', 'sky')):
        check_classes(['road', 'sky'], loop)
        check_classes((), loop)
    for loop in (*loop_of(HoleIoU(), ()), *loop_of(FinitePSNR(), ('road', 'sky'))):
        check_classes(('skin', 'hair'), loop)
