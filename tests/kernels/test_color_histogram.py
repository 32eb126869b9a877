"""Histograms of colours, against the reference, NumPy and scikit-image."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fastcnn.errors import ShapeError
from fastcnn.kernels import call
from fastcnn.kernels.backends import BACKENDS
from fastcnn.kernels.reference.color_histogram import rgb_to_hsv, rgb_to_lab
from tests.kernels.compare import assert_native_matches_reference, run

RANGES = {"rgb": [(0, 1)] * 3, "hsv": [(0, 1)] * 3, "lab": [(0, 100), (-110, 110), (-110, 110)]}


def edges_of(space, bins, shift=0.0):
    return [
        np.linspace(low, high, n + 1) + shift
        for (low, high), n in zip(RANGES[space], bins, strict=True)
    ]


def problem(images, edges, joint=0, rows=1, columns=1, **_):
    counts = np.array([len(e) for e in edges])
    bins = (counts - 1).prod() if joint else (counts - 1).sum()
    features = np.zeros((len(images), bins * rows * columns), np.float32)
    edges = np.concatenate(edges).astype(np.float32)
    return {"images": images, "edges": edges, "counts": counts, "features": features}


def photographs(shape, seed=0):
    return np.random.default_rng(seed).integers(0, 256, shape).astype(np.uint8)


@settings(deadline=None, max_examples=40)
@given(
    shape=st.tuples(st.integers(1, 7), st.integers(1, 20)),
    bins=st.tuples(*[st.integers(1, 5)] * 3),
    space=st.sampled_from(list(RANGES)),
    joint=st.integers(0, 1),
    grid=st.tuples(st.integers(1, 3), st.integers(1, 3)),
    seed=st.integers(0, 99),
)
def test_color_histogram(shape, bins, space, joint, grid, seed):
    """Edges a little beside round numbers, so that rounding puts no pixel into another bin."""
    images = photographs((3, *shape, 3), seed)
    params = {"space": space, "joint": joint, "rows": grid[0], "columns": grid[1]}
    arrays = problem(images, edges_of(space, bins, 0.00123), **params)
    assert_native_matches_reference("color_histogram", arrays, **params)


@pytest.mark.parametrize("backend", BACKENDS)
def test_as_numpy_counts(backend):
    """The last bin is closed, and what lies outside is left away: on exact values."""
    images = np.float32([0, 0.25, 0.5, 0.75, 1, -0.1, 1.5, 0.3]).reshape(1, 2, 4, 1)
    edges = [np.array([0, 0.25, 0.75, 1.0])]
    got = run("color_histogram", problem(images, edges), backend, white=1.0)["features"][0]
    np.testing.assert_allclose(got * 8, np.histogram(images, edges[0])[0], rtol=1e-6)


@pytest.mark.parametrize("backend", BACKENDS)
def test_joint_and_grid_by_hand(backend):
    """Left half red, right half green: one colour in each part."""
    images = np.zeros((1, 2, 4, 3), np.uint8)
    images[:, :, :2, 0] = 255
    images[:, :, 2:, 1] = 255
    edges = [np.array([0, 0.5, 1])] * 3
    params = {"joint": 1, "columns": 2}
    got = run("color_histogram", problem(images, edges, **params), backend, **params)["features"]
    expected = np.zeros((2, 2, 2, 2))
    expected[0, 1, 0, 0] = expected[1, 0, 1, 0] = 1
    np.testing.assert_array_equal(got.reshape(2, 2, 2, 2), expected)


@pytest.mark.parametrize(("ours", "theirs"), [(rgb_to_hsv, "rgb2hsv"), (rgb_to_lab, "rgb2lab")])
def test_conversions_against_scikit_image(ours, theirs):
    color = pytest.importorskip("skimage.color", reason="scikit-image is not installed")
    rgb = photographs((40, 50, 3)) / 255
    rgb[0, :9] = np.repeat(np.linspace(0, 1, 9)[:, None], 3, axis=1)  # greys
    np.testing.assert_allclose(ours(rgb), getattr(color, theirs)(rgb), rtol=0, atol=1e-3)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"edges": np.zeros(6, np.float32)}, "must rise"),
        ({"counts": np.array([2, 2, 3])}, "2 edges or more, 6 in all"),
        ({"features": np.zeros((1, 4), np.float32)}, "the number of features must be 3"),
    ],
)
def test_what_does_not_fit(change, message):
    arrays = problem(photographs((1, 2, 2, 3)), edges_of("rgb", (1, 1, 1)))
    with pytest.raises(ShapeError, match=message):
        call("color_histogram", arrays | change)


def test_other_spaces_need_three_channels():
    arrays = problem(photographs((1, 2, 2, 1)), edges_of("rgb", (1, 1, 1))[:1])
    with pytest.raises(ShapeError, match="the number of channels must be 3, not 1"):
        call("color_histogram", arrays, space="hsv")
