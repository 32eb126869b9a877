"""Constraints and penalties on the weights of a layer."""

import numpy as np
import pytest

from fastcnn.kernels.backends import BACKENDS
from tests.kernels.compare import assert_native_matches_reference, central_differences, run

SHAPES = [(1, 1, 1), (1, 5, 3), (1, 7, 33), (3, 4, 2), (2, 1, 17), (1, 40, 100)]


def weights(shape, seed=0, dtype=np.float32):
    return np.random.default_rng(seed).normal(size=shape).astype(dtype)


@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_native_matches_reference(shape):
    w = weights(shape)
    w[:, 0] *= 0.01
    for limits in ({"high": 2.0}, {"low": 1.0}, {"low": 0.5, "high": 1.5, "rate": 0.3}):
        assert_native_matches_reference("norm_constraint", {"w": w}, **limits)
    assert_native_matches_reference("non_negative", {"w": w})
    for rows in (0, 1):
        arrays = {"w": w, "dw": weights(shape, 1)}
        assert_native_matches_reference("orthogonal_penalty", arrays, factor=3.0, rows=rows)
        arrays = {"w": w, "out": np.zeros(1)}
        assert_native_matches_reference("orthogonal_penalty", arrays, factor=3.0, rows=rows)


@pytest.mark.parametrize("backend", BACKENDS)
def test_norms_of_units(backend):
    w = weights((2, 3, 4))
    w[:, 1] = 0
    norms = np.sqrt((w**2).sum(axis=(0, 2)))
    limited = run("norm_constraint", {"w": w}, backend, low=0.0, high=norms[0] + 1e-3)["w"]
    expected = np.minimum(norms, norms[0] + 1e-3)
    np.testing.assert_allclose(np.sqrt((limited**2).sum(axis=(0, 2))), expected, rtol=1e-5)
    unit = run("norm_constraint", {"w": w}, backend, low=1.0, high=1.0)["w"]
    np.testing.assert_allclose(np.sqrt((unit**2).sum(axis=(0, 2))), [1, 0, 1], rtol=1e-5)


@pytest.mark.parametrize("rows", [0, 1])
@pytest.mark.parametrize("shape", [(1, 4, 3), (2, 3, 5), (1, 1, 4)], ids=str)
def test_orthogonal_gradient(shape, rows):
    w = weights(shape, dtype=np.float64)
    params = {"factor": 2.0, "rows": rows}

    def value(w):
        return run("orthogonal_penalty", {"w": w, "out": np.zeros(1)}, "reference", **params)["out"]

    numeric = central_differences(lambda w: value(w)[0], w)
    dw = run("orthogonal_penalty", {"w": w, "dw": np.ones(shape)}, "reference", **params)["dw"]
    np.testing.assert_allclose(dw - 1, numeric, atol=1e-8)


@pytest.mark.parametrize("backend", BACKENDS)
def test_orthogonal_value(backend):
    w = np.array([[[3, 0], [0, -2], [1, -1]]], np.float32)
    for rows, cosines in ((0, [0, 0.5**0.5, 0.5**0.5]), (1, [1 / 50**0.5])):
        out = {"w": w, "out": np.zeros(1)}
        value = run("orthogonal_penalty", out, backend, factor=0.6, rows=rows)["out"][0]
        assert value == pytest.approx(0.6 * np.mean(cosines), rel=1e-6)
