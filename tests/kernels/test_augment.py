"""Gathering with augmentation."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fastcnn.kernels.backends import BACKENDS
from fastcnn.kernels.spec import ENUMS
from tests.kernels.compare import assert_native_matches_reference, run

quick = settings(deadline=None, max_examples=25)


def records(order, height, width):
    """Records that change nothing."""
    shape = order.shape
    return {
        "matrix": np.broadcast_to(np.float32([1, 0, 0, 0, 1, 0]), (*shape, 6)).copy(),
        "color": None,
        "hole": np.zeros((*shape, 4), np.int64),
        "patch": np.zeros((*shape, 4), np.int64),
        "partner": np.arange(order.size).reshape(shape),
        "share": np.ones(shape, np.float32),
    }


def problem(images, order, lanes_first=None, **changes):
    height, width, channels = images.shape[1:]
    arrays = {"images": images, "order": order, **records(order, height, width), **changes}
    x = np.full((order.shape[0], channels, height, width, order.shape[1]), np.nan, np.float32)
    return arrays | {"scale": None, "offset": None, "x": x} | changes


def random_records(rng, order, height, width, channels, colored):
    """Turns, shifts, colours, holes, patches and partners of any kind."""
    shape = order.shape
    matrix = np.float32([1, 0, 0, 0, 1, 0]) + rng.normal(0, 0.4, (*shape, 6)).astype(np.float32)
    matrix[..., 2::3] += rng.integers(-3, 4, (*shape, 2))
    matrix[0, 0] = [-1, 0, width - 1, 0, 1, 2]  # a flip and a shift by whole pixels
    corners = rng.integers(-1, [height + 2, height + 2, width + 2, width + 2], (2, *shape, 4))
    color = rng.normal(0, 0.5, (*shape, channels, channels + 1)).astype(np.float32)
    return {
        "matrix": matrix,
        "color": color if colored else None,
        "hole": corners[0],
        "patch": corners[1],
        "partner": rng.integers(-1, order.size, shape),
        "share": rng.choice(np.float32([1, 0.25, 0.7]), shape),
    }


@quick
@given(
    shape=st.tuples(st.integers(1, 6), st.integers(1, 20), st.sampled_from([1, 2, 3])),
    lanes=st.sampled_from([1, 4, 8, 16]),
    blocks=st.integers(1, 3),
    dtype=st.sampled_from([np.uint8, np.float32]),
    fill=st.sampled_from(list(ENUMS["fill"])),
    colored=st.booleans(),
    scaled=st.booleans(),
    seed=st.integers(0, 99),
)
def test_augment_images(shape, lanes, blocks, dtype, fill, colored, scaled, seed):
    rng = np.random.default_rng(seed)
    images = rng.integers(0, 9, (7, *shape)).astype(dtype)
    order = rng.integers(-1, 7, (blocks, lanes))
    changes = random_records(rng, order, *shape, colored)
    if scaled:
        changes["scale"], changes["offset"] = rng.normal(size=(2, shape[2])).astype(np.float32)
    arrays = problem(images, order, **changes)
    np.nan_to_num(arrays["x"], copy=False)
    assert_native_matches_reference("augment_images", arrays, fill=fill, fill_value=3.0)


@pytest.mark.parametrize("backend", BACKENDS)
def test_records_that_change_nothing_gather(backend):
    rng = np.random.default_rng(0)
    images = rng.integers(0, 256, (5, 3, 4, 2)).astype(np.uint8)
    order = np.array([[4, -1, 0, 0]])
    plain = {"images": images, "order": order, "x": np.empty((1, 2, 3, 4, 4), np.float32)}
    expected = run("gather_images", plain, backend)["x"]
    got = run("augment_images", problem(images, order), backend)["x"]
    np.testing.assert_array_equal(got, expected)


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize(
    ("fill", "expected"),
    [
        ("constant", [9, 9, 1, 2, 3]),
        ("nearest", [1, 1, 1, 2, 3]),
        ("reflect", [2, 1, 1, 2, 3]),
        ("wrap", [4, 5, 1, 2, 3]),
    ],
)
def test_fill_beyond_the_edge(backend, fill, expected):
    """A shift to the right by two pixels, by hand."""
    images = np.arange(1, 6, dtype=np.uint8).reshape(1, 1, 5, 1)
    matrix = np.float32([[[1, 0, -2, 0, 1, 0]]])
    arrays = problem(images, np.array([[0]]), matrix=matrix)
    x = run("augment_images", arrays, backend, fill=fill, fill_value=9.0)["x"]
    np.testing.assert_array_equal(x[0, 0, 0, :, 0], expected)


@pytest.mark.parametrize("backend", BACKENDS)
def test_halves_patch_hole_and_mixing(backend):
    """By hand: half a pixel to the left, then a partner's patch, a hole, and a mixture."""
    images = np.float32([[0, 2, 4, 6], [100, 100, 100, 100]]).reshape(2, 1, 4, 1)
    order = np.array([[0, 1, 0, 1]])
    changes = records(order, 1, 4)
    changes["matrix"][0, 0, 2] = 0.5
    changes["partner"][0] = [1, 1, 1, 3]
    changes["patch"][0, 0] = [0, 1, 3, 9]
    changes["share"][0, 2] = 0.75
    changes["hole"][0, 3] = [0, 1, 1, 2]
    x = run("augment_images", problem(images, order, **changes), backend)["x"][0, 0, 0]
    np.testing.assert_array_equal(x[:, 0], [1, 3, 5, 100])
    np.testing.assert_array_equal(x[:, 2], [25, 26.5, 28, 29.5])
    np.testing.assert_array_equal(x[:, 3], [100, 0, 100, 100])


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf, 1e30])
def test_wild_matrices_read_only_the_image(value):
    images = np.ones((1, 3, 3, 1), np.uint8)
    matrix = np.full((1, 1, 6), value, np.float32)
    x = run("augment_images", problem(images, np.array([[0]]), matrix=matrix), "native")["x"]
    assert np.isfinite(x).all()


@quick
@given(lanes=st.sampled_from([1, 4, 16]), blocks=st.integers(1, 3), seed=st.integers(0, 99))
def test_mix_targets(lanes, blocks, seed):
    rng = np.random.default_rng(seed)
    labels = rng.integers(-1, 5, (blocks, lanes))
    arrays = {"labels": labels, "partner": rng.integers(-1, labels.size, labels.shape)}
    arrays["own"] = rng.random(labels.shape).astype(np.float32)
    arrays["targets"] = np.empty((blocks, 5, lanes), np.float32)
    assert_native_matches_reference("mix_targets", arrays)
