"""Penalties, norms and clipping of all gradients."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fastcnn.errors import ShapeError
from fastcnn.kernels.backends import BACKENDS
from fastcnn.kernels.checks import SQUARE_SUM_PIECE, square_sum_count
from tests.kernels.compare import assert_native_matches_reference, run

PIECE = SQUARE_SUM_PIECE
SIZES = st.lists(st.sampled_from([0, 1, 15, 64, PIECE - 1, PIECE, 2 * PIECE + 7]), max_size=4)


def gradient_arrays(sizes, seed):
    rng = np.random.default_rng(seed)
    values = rng.normal(size=(2, sum(sizes))).astype(np.float32)
    rows = rng.integers(0, 2, (len(sizes), 4)) * 0.1
    bounds = np.cumsum([0, *sizes])
    return {"p": values[0], "g": values[1], "bounds": bounds, "penalties": rows.astype(np.float32)}


def squares_of(values, bounds):
    out = np.empty(square_sum_count(bounds))
    return run("square_sums", {"p": values, "bounds": bounds, "squares": out}, "reference")


@settings(deadline=None, max_examples=20)
@given(SIZES, st.integers(0, 99))
def test_native_matches_reference(sizes, seed):
    arrays = gradient_arrays(sizes, seed)
    assert_native_matches_reference("penalty_gradient", arrays)
    assert_native_matches_reference("clip_value", {"g": arrays["g"]}, limit=0.5)
    bounds, out = arrays["bounds"], np.empty(square_sum_count(arrays["bounds"]))
    step = {"p": arrays["p"], "bounds": bounds, "squares": out}
    assert_native_matches_reference("square_sums", step)
    step = {"g": arrays["g"], "bounds": bounds} | squares_of(arrays["g"], bounds)
    for together in (0, 1):
        assert_native_matches_reference("clip_norm", step, limit=5.0, together=together)


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize("together", [0, 1])
def test_clip_norm(backend, together):
    g, bounds = np.array([3, 4, 0.6, 0.8, 0], np.float32), np.array([0, 2, 5])
    step = {"g": g, "bounds": bounds} | squares_of(g, bounds)
    scales = [2 / np.sqrt(26)] * 5 if together else [0.4, 0.4, 1, 1, 1]
    clipped = run("clip_norm", step, backend, limit=2.0, together=together)["g"]
    np.testing.assert_allclose(clipped, g * scales, rtol=1e-6)


@pytest.mark.parametrize("backend", BACKENDS)
def test_clip_value_keeps_what_is_no_number(backend):
    g = np.array([-3, -0.5, 0, 0.2, 7, np.nan, np.inf], np.float32)
    clipped = run("clip_value", {"g": g}, backend, limit=0.5)["g"]
    np.testing.assert_array_equal(clipped, np.float32([-0.5, -0.5, 0, 0.2, 0.5, np.nan, 0.5]))


def test_penalty_gradient_is_what_the_updates_add():
    arrays = gradient_arrays((5, 30, 9), 1)
    arrays["penalties"][:, 2:] = (0, 1)
    hyper = {"hyper": np.array([0.1])}
    at_once = run("sgd_update", arrays | hyper, "native")["p"]
    arrays["g"] = run("penalty_gradient", arrays, "native")["g"]
    arrays["penalties"][:, :2] = 0
    np.testing.assert_array_equal(run("sgd_update", arrays | hyper, "native")["p"], at_once)


@pytest.mark.parametrize(
    ("bounds", "count", "words"),
    [([0, 5], 2, "length of squares"), ([0, 6], 1, "bounds must rise"), ([3, 1], 0, "bounds")],
)
def test_wrong_shapes_are_named(bounds, count, words):
    arrays = {"p": np.zeros(5, np.float32), "bounds": np.array(bounds), "squares": np.zeros(count)}
    with pytest.raises(ShapeError, match=words):
        run("square_sums", arrays, "native")
