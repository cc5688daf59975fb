import torch
from mmagic.structures import DataSample

from fbinpaint_mm.models.round_samples import split_predictions


def test_every_image_gets_its_own_prediction_and_input():
    names = ['a.png', 'b.png']
    batch = DataSample.stack(
        [DataSample(mask=torch.zeros(1, 2, 2), metainfo=dict(gt_path=name)) for name in names]
    )
    images = torch.arange(24.0).reshape(2, 3, 2, 2)
    samples = split_predictions(batch, DataSample(pred_img=images), images + 1)
    assert [sample.gt_path for sample in samples] == names
    for sample, image in zip(samples, images, strict=True):
        assert sample.output.pred_img.equal(image)
        assert sample.input.equal(image + 1)
