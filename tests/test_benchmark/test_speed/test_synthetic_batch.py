import torch

from fbinpaint_mm.benchmark.speed.synthetic_batch import make_synthetic_batch


def test_a_quarter_of_the_noise_is_a_grey_hole():
    batch = make_synthetic_batch(8)
    (image,), (sample,) = batch['inputs'], batch['data_samples']
    assert sample.mask.sum() == 16
    assert sample.mask[0, 2:6, 2:6].all()
    hole = sample.mask.bool().expand(3, 8, 8)
    assert (image[hole] == 127.5).all()
    assert torch.equal(image[~hole], sample.gt_img[~hole].float())
    assert sample.gt_img.dtype == torch.uint8


def test_a_size_always_gives_the_same_pixels():
    first, second = (make_synthetic_batch(5)['data_samples'][0].gt_img for _ in range(2))
    assert torch.equal(first, second)
    assert first.unique().numel() > 10
