"""A model linked by the hook of a Runner, and the same model without a Runner."""

import pytest
import torch
from mmagic.registry import DATASETS, MODELS
from mmengine.config import Config
from mmengine.dataset import pseudo_collate
from mmengine.registry import DefaultScope
from mmengine.runner import load_checkpoint


def predict(model, batch, rounds=2):
    model.eval()
    data = model.data_preprocessor(batch, False)
    with torch.no_grad():
        return [sample.output for sample in model(**data, mode='predict', rounds=rounds)]


@pytest.fixture
def trained(small_run, tmp_path):
    runner = small_run(tmp_path, 4)
    runner.train()
    runner.save_checkpoint(str(tmp_path), 'last.pth', by_epoch=False)
    return runner


def test_linked_by_hook_and_without_a_runner_predict_the_same(trained, tmp_path):
    loop = trained.model.loop
    assert loop.link.attached
    assert loop.feedback.projections[0].weight.any(), 'untrained feedback proves nothing'
    assert loop.strength > 0
    cfg = Config.fromfile(next(tmp_path.glob('*.py')))
    model = MODELS.build(cfg.model)
    assert not model.loop.link.attached
    load_checkpoint(model, str(tmp_path / 'last.pth'), map_location='cpu', strict=True)
    with DefaultScope.overwrite_default_scope('mmagic'):
        dataset = DATASETS.build(cfg.val_dataloader.dataset)
    batch = pseudo_collate([dataset[index] for index in range(2)])

    by_hook, by_itself = predict(trained.model, batch, 3), predict(model, batch, 3)
    for one, other in zip(by_hook, by_itself, strict=True):
        for name in ('round_imgs', 'round_segs', 'round_confidences', 'pred_img', 'fake_res'):
            assert torch.equal(one.get(name), other.get(name)), name

    model.set_feedback(strength=0, rounds=2)
    unlinked = predict(model, batch, 3)
    assert any(
        not torch.equal(one.round_imgs, other.round_imgs)
        for one, other in zip(by_hook, unlinked, strict=True)
    ), 'the feedback has no effect, so the comparison proves nothing'
