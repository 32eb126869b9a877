"""Histograms of oriented gradients, against the reference and scikit-image."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fastcnn.errors import OptionError, ShapeError
from fastcnn.kernels import call
from fastcnn.kernels.backends import BACKENDS
from fastcnn.kernels.spec import ENUMS
from tests.kernels.compare import assert_native_matches_reference, run

NORMS = {"l1": "L1", "l1_sqrt": "L1-sqrt", "l2": "L2", "l2_hys": "L2-Hys"}


def size(images, params):
    total = params["orientations"]
    for axis, side in (("h", 1), ("w", 2)):
        block = params[f"block_{axis}"]
        total *= block * (images.shape[side] // params[f"cell_{axis}"] - block + 1)
    return total


def problem(images, **params):
    return {"images": images, "features": np.zeros((len(images), size(images, params)), np.float32)}


def photographs(shape, seed=0):
    return np.random.default_rng(seed).integers(0, 256, shape).astype(np.uint8)


@settings(deadline=None, max_examples=40)
@given(
    cell=st.tuples(st.integers(1, 6), st.integers(1, 6)),
    block=st.tuples(st.integers(1, 3), st.integers(1, 3)),
    more=st.tuples(st.integers(0, 9), st.integers(0, 20)),
    channels=st.sampled_from([1, 2, 3]),
    orientations=st.sampled_from([1, 4, 8, 9, 13]),
    norm=st.sampled_from(list(ENUMS["norm"])),
    signed=st.integers(0, 1),
    root=st.integers(0, 1),
    seed=st.integers(0, 99),
)
def test_hog(cell, block, more, channels, orientations, norm, signed, root, seed):
    shape = [c * b + m for c, b, m in zip(cell, block, more, strict=True)]
    images = photographs((3, *shape, channels), seed)
    params = {"cell_h": cell[0], "cell_w": cell[1], "block_h": block[0], "block_w": block[1]}
    params |= {"orientations": orientations}
    arrays = problem(images, **params)
    rest = {"norm": norm, "signed_gradient": signed}
    # Square roots fall arbitrarily near the ends of bins, where float32 and float64 may differ.
    root = root if orientations == 1 else 0
    assert_native_matches_reference("hog", arrays, **params, **rest, square_root=root)


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize("norm", NORMS)
@pytest.mark.parametrize("shape", [(32, 32), (33, 50), (24, 40)])
@pytest.mark.parametrize("channels", [1, 3])
def test_against_scikit_image(backend, norm, shape, channels):
    feature = pytest.importorskip("skimage.feature", reason="scikit-image is not installed")
    images = photographs((4, *shape, channels), seed=1)
    params = {"orientations": 9, "cell_h": 8, "cell_w": 6, "block_h": 3, "block_w": 2}
    got = run("hog", problem(images, **params), backend, norm=norm, **params)["features"]
    for image, features in zip(images, got, strict=True):
        expected = feature.hog(
            image if channels > 1 else image[..., 0],
            orientations=9,
            pixels_per_cell=(8, 6),
            cells_per_block=(3, 2),
            block_norm=NORMS[norm],
            channel_axis=-1 if channels > 1 else None,
        )
        np.testing.assert_allclose(features, expected, rtol=0, atol=1e-5)


@pytest.mark.parametrize("signed", [0, 1])
def test_directions_by_hand(signed):
    """Ramps in the eight main directions: each is the beginning of a bin."""
    h, w = np.mgrid[:9, :9]
    ramps = [4 * (w * x + h * y) for x, y in ((1, 0), (1, 1), (0, 1), (-1, 1))]
    images = np.stack([*ramps, *(-r for r in ramps)])[..., None] + 100
    params = {"orientations": 8, "cell_h": 9, "cell_w": 9, "block_h": 1, "block_w": 1}
    for backend in BACKENDS:
        arrays = problem(images.astype(np.uint8), **params)
        got = run("hog", arrays, backend, signed_gradient=signed, norm="l2", **params)["features"]
        middle = [int(np.argmax(row)) for row in got]
        assert middle == ([0, 1, 2, 3, 4, 5, 6, 7] if signed else [0, 2, 4, 6] * 2)


@pytest.mark.parametrize(
    ("params", "error", "message"),
    [
        ({"orientations": 65}, OptionError, "1 to 64, not 65"),
        ({"cell_h": 0}, ShapeError, "must be at least 1"),
        ({"cell_w": 5}, ShapeError, "8 pixels along w are smaller than a block of 3 cells of 5"),
        ({"block_h": 1}, ShapeError, "the number of features must be 216"),
    ],
)
def test_what_does_not_fit(params, error, message):
    images = photographs((1, 8, 8, 1))
    sizes = {"orientations": 9, "cell_h": 2, "cell_w": 2, "block_h": 2, "block_w": 2} | params
    if "cell_w" in params:
        sizes["block_w"] = 3
    features = np.zeros((1, 324), np.float32)
    with pytest.raises(error, match=message):
        call("hog", {"images": images, "features": features}, **sizes)
