"""Every augmentation of the registry, and each by hand."""

import numpy as np
import pytest

from fastcnn.engine.augmentation import Augmentation, Records
from fastcnn.engine.augmenter import Augment, Augmenter, augmented
from fastcnn.errors import OptionError
from fastcnn.plugins.registry import augmentations, make

NAMES = augmentations.names()


def photographs(count=6, height=9, width=7, channels=3, seed=0):
    images = np.random.default_rng(seed).integers(0, 256, (count, height, width, channels))
    return images.astype(np.uint8)


def fresh(n=4, shape=(3, 8, 6), epoch=0):
    return Records(np.arange(n), shape, 255.0, epoch)


def applied(name, uniform, records=None, **options):
    """Records after one augmentation with these numbers."""
    augmentation = make(augmentations, {"name": name, **options})
    uniform = np.atleast_2d(np.asarray(uniform, float))
    records = records or fresh(len(uniform))
    augmentation.apply(uniform, records)
    return records


def warp_point(records, k, column, row):
    """Where in the input output pixel (column, row) of image k looks."""
    return records.matrix[k, :, :2] @ [column, row] + records.matrix[k, :, 2]


@pytest.mark.parametrize("name", NAMES)
def test_images_change(name):
    images = photographs()
    assert not np.array_equal(augmented(Augment([name]), images, seed=1), images)


def test_augmentations_of_one_list_draw_apart():
    """Two equal augmentations must not draw the same numbers."""
    augmenter = Augmenter(Augment(["shift", "shift"]), (1, 8, 8), (2, 16), np.dtype(np.float32))
    one, two = augmenter._draw(0, 0)
    assert not np.array_equal(one, two)
    assert one.min() >= 0 and one.max() < 1
    assert len(np.unique(one)) == one.size


def test_flip_by_hand():
    records = applied("flip", [[0.2, 0.2], [0.8, 0.8]], vertical=True)
    np.testing.assert_allclose(warp_point(records, 0, 0, 0), [5, 7])
    np.testing.assert_allclose(warp_point(records, 1, 2, 3), [2, 3])


def test_alternating_flip_shows_both_sides():
    uniform = np.zeros((64, 2))
    first, second, third = (
        applied("flip", uniform, fresh(64, epoch=e), alternate=True).matrix for e in range(3)
    )
    mirrored = first[:, 0, 0] < 0
    assert 16 < mirrored.sum() < 48
    np.testing.assert_array_equal(second[:, 0, 0] < 0, ~mirrored)
    np.testing.assert_array_equal(third, first)


def test_shift_by_hand():
    records = applied("shift", [[0.0, 0.999], [0.5, 0.5]], pixels=2)
    np.testing.assert_allclose(warp_point(records, 0, 1, 1), [-1, 3])
    np.testing.assert_allclose(warp_point(records, 1, 1, 1), [1, 1])
    records = applied("shift", [[0.0, 0.75]], fraction=0.5)
    np.testing.assert_allclose(warp_point(records, 0, 0, 0), [-3, 2])


def test_rotation_by_hand():
    """A quarter turn about the centre of a square image."""
    square = fresh(1, (1, 5, 5))
    records = applied("rotation", [[1.0]], square, degrees=90)
    np.testing.assert_allclose(warp_point(records, 0, 2, 2), [2, 2], atol=1e-12)
    np.testing.assert_allclose(warp_point(records, 0, 4, 2), [2, 4], atol=1e-12)


def test_zoom_and_shear_by_hand():
    square = fresh(1, (1, 5, 5))
    records = applied("zoom", [[1.0]], square, low=0.5, high=2.0)
    np.testing.assert_allclose(warp_point(records, 0, 4, 0), [3, 1])
    records = applied("shear", [[1.0]], fresh(1, (1, 5, 5)), degrees=45)
    np.testing.assert_allclose(warp_point(records, 0, 2, 4), [4, 4])


def test_random_crop_stays_inside():
    uniform = np.random.default_rng(0).random((200, 4))
    records = applied("random_crop", uniform, fresh(200), scale=0.2, ratio=2)
    for corner in ((0, 0), (5, 7)):
        points = np.array([warp_point(records, k, *corner) for k in range(200)])
        assert (points >= -0.5).all() and (points <= [5.5, 7.5]).all()
    whole = applied("random_crop", [[1.0, 0.5, 0.1, 0.9]], scale=0.2)
    np.testing.assert_allclose(warp_point(whole, 0, 5, 7), [5, 7])


def painted(records, color):
    return records.color[0, :, :3] @ color + records.color[0, :, 3]


def test_colours_by_hand():
    color = np.array([100.0, 50.0, 0.0])
    np.testing.assert_allclose(
        painted(applied("brightness", [[1.0]], amount=0.2), color), color + 51
    )
    dull = painted(applied("contrast", [[0.0]], amount=1), color)
    np.testing.assert_allclose(dull, [127.5] * 3)
    grey = painted(applied("saturation", [[0.0]], amount=1), color)
    np.testing.assert_allclose(grey, [0.299 * 100 + 0.587 * 50] * 3)


def test_order_of_augmentations():
    """First brighter, then twice the contrast; first shifted, then turned."""
    records = applied("brightness", [[1.0]], amount=0.1)
    applied("contrast", [[1.0]], records, amount=1)
    np.testing.assert_allclose(painted(records, np.zeros(3)), [2 * 25.5 - 127.5] * 3)
    records = applied("shift", [[0.999, 0.5]], fresh(1, (1, 5, 5)), pixels=1)
    applied("rotation", [[1.0]], records, degrees=90)
    # The turned image shows at (2, 2) the shifted image's (2, 2): the original's (3, 2).
    np.testing.assert_allclose(warp_point(records, 0, 2, 2), [3, 2])


def test_cutout_by_hand():
    records = applied("cutout", [[0.0, 0.0], [0.5, 0.5]], size=4)
    np.testing.assert_array_equal(records.hole, [[-2, 2, -2, 2], [2, 6, 1, 5]])


def test_mixup_shares_are_beta():
    uniform = np.random.default_rng(0).random((5000, 2))
    records = applied("mixup", uniform, fresh(5000), alpha=0.4)
    from scipy.stats import beta, kstest

    assert kstest(records.share, beta(0.4, 0.4).cdf).pvalue > 0.01
    np.testing.assert_array_equal(records.own_share(), records.share)
    assert abs(np.bincount(records.partner // 500).std()) < 60


def test_cutmix_areas():
    records = applied("cutmix", [[0.0, 0.75, 0.5, 0.5]], fresh(1, (3, 8, 8)))
    np.testing.assert_array_equal(records.patch, [[2, 6, 2, 6]])
    assert records.own_share() == pytest.approx(1 - 16 / 64)


@pytest.mark.parametrize(
    ("name", "options", "message"),
    [
        ("flipp", {}, "did you mean 'flip'"),
        ("shift", {"pixels": -1}, "pixels >= 0"),
        ("shift", {"columns": 1}, "unknown option of augmentation 'shift' 'columns'"),
        ("zoom", {"low": 0}, "0 < low <= high"),
        ("mixup", {"alpha": 0}, "alpha must be positive"),
        ("cutout", {"size": 0}, "at least 1"),
        ("shear", {"degrees": 90}, r"\[0, 90\)"),
        ("random_crop", {"scale": 2}, "0 < scale <= 1 <= ratio"),
        ("contrast", {"amount": 2}, r"amount lies in \[0, 1\]"),
    ],
)
def test_wrong_options(name, options, message):
    with pytest.raises(OptionError, match=message):
        Augment([{"name": name, **options}])


def test_wrong_fill_and_things():
    with pytest.raises(OptionError, match="unknown fill 'black'"):
        Augment(["flip"], fill="black")
    with pytest.raises(OptionError, match="name, a table or an object"):
        Augment([object()])


def test_an_augmentation_of_ones_own():
    class Invert(Augmentation):
        draws = 0

        def apply(self, uniform, records):
            assert uniform.shape == (len(records), 0)
            records.paint(-np.eye(records.channels), np.full(records.channels, records.peak))

    images = photographs()
    np.testing.assert_array_equal(augmented(Augment([Invert()]), images), 255.0 - images)
