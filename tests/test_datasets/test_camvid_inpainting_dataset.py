from fbinpaint_mm.datasets import CamVidInpaintingDataset


def test_classes():
    meta = CamVidInpaintingDataset.METAINFO
    assert len(meta['classes']) == len(meta['palette']) == 11
    assert len({tuple(color) for color in meta['palette']}) == 11


def test_real_streets(shared_data):
    dataset = CamVidInpaintingDataset(
        data_root=str(shared_data('data/camvid')),
        data_prefix=dict(img_path='images/train', seg_map_path='annotations/train'),
        labeled_ratio='1/8',
        check='headers',
    )
    assert len(dataset) == 367
    assert len(dataset.labeled_indices) == 46
