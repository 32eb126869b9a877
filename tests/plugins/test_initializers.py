"""Every registered initializer: its distribution, and the same numbers for the same seed."""

from math import sqrt

import numpy as np
import pytest

from fastcnn import initializers as faces
from fastcnn import rng
from fastcnn.engine.layer import Parameter
from fastcnn.errors import OptionError
from fastcnn.plugins.registry import initializers as registry
from fastcnn.plugins.registry import make

FANS = {"fan_in": 50, "fan_out": 30}
# Options, mean, standard deviation, and the largest distance from the mean (None: no limit).
RANDOM = [
    ("uniform", {}, 0, 0.1 / sqrt(12), 0.05),
    ("uniform", {"minval": 1.0, "maxval": 3.0}, 2, 2 / sqrt(12), 1),
    ("normal", {}, 0, 0.05, None),
    ("normal", {"mean": 1.0, "stddev": 0.5}, 1, 0.5, None),
    ("truncated_normal", {"mean": 1.0, "stddev": 0.5}, 1, 0.5 * 0.8796, 1.0),
    ("glorot_uniform", {}, 0, sqrt(2 / 80), sqrt(6 / 80)),
    ("glorot_normal", {}, 0, sqrt(2 / 80), None),
    ("he_uniform", {}, 0, sqrt(2 / 50), sqrt(6 / 50)),
    ("he_normal", {}, 0, sqrt(2 / 50), None),
    ("lecun_uniform", {}, 0, sqrt(1 / 50), sqrt(3 / 50)),
    ("lecun_normal", {}, 0, sqrt(1 / 50), None),
]
FIXED = {"zeros", "ones", "constant", "orthogonal", "identity"}


def values(table, shape, seed=1):
    return make(registry, table)(rng.generator(seed, 0), Parameter(shape, "", **FANS))


def test_every_initializer_is_tested_and_has_a_face():
    assert {name for name, *_ in RANDOM} | FIXED == set(registry.names())
    assert {getattr(faces, n).registered_name for n in faces.__all__} == set(registry.names())


@pytest.mark.parametrize(("name", "options", "mean", "stddev", "reach"), RANDOM)
def test_distribution(name, options, mean, stddev, reach):
    x = values({"name": name, **options}, (200, 250)).astype(np.float64)
    assert x.mean() == pytest.approx(mean, abs=0.03 * stddev)
    assert x.std() == pytest.approx(stddev, rel=0.02)
    far = np.abs(x - mean).max()
    if reach is None:
        assert far > 3.5 * stddev
    else:
        assert 0.999 * reach < far <= reach * (1 + 1e-6)


@pytest.mark.parametrize("name", registry.names())
def test_numbers_depend_on_the_seed_alone(name):
    first, again, other = (values({"name": name}, (4, 3, 2, 2), seed) for seed in (1, 1, 2))
    assert first.dtype == np.float32 and first.shape == (4, 3, 2, 2)
    assert np.array_equal(first, again)
    assert np.array_equal(first, other) == (name in FIXED - {"orthogonal"})


def test_fixed_values():
    assert (values("zeros", (3, 2)) == 0).all() and (values("ones", (3, 2)) == 1).all()
    assert (values({"name": "constant", "value": 0.3}, (3,)) == np.float32(0.3)).all()


@pytest.mark.parametrize("shape", [(5, 9), (9, 5), (7, 7), (4, 3, 2, 2), (30, 2, 3), (6,)], ids=str)
def test_orthogonal(shape):
    w = values({"name": "orthogonal", "gain": 2.0}, shape).reshape(shape[0], -1).astype(np.float64)
    if len(shape) == 1:
        w = w.T
    gram = w @ w.T if w.shape[0] <= w.shape[1] else w.T @ w
    np.testing.assert_allclose(gram, 4 * np.eye(len(gram)), atol=1e-6)


def test_identity():
    np.testing.assert_array_equal(values("identity", (2, 3)), np.eye(2, 3))
    x = np.random.default_rng(0).normal(size=(3, 4, 5)).astype(np.float32)
    w = values({"name": "identity", "gain": 2.0}, (3, 3, 3, 5))
    assert w.sum() == 6 and (w[np.arange(3), np.arange(3), 1, 2] == 2).all()
    padded = np.pad(x, ((0, 0), (1, 1), (2, 2)))
    windows = np.lib.stride_tricks.sliding_window_view(padded, (3, 5), axis=(1, 2))
    np.testing.assert_array_equal(np.einsum("kcuv,chwuv->khw", w, windows), 2 * x)
    with pytest.raises(OptionError, match="kernels"):
        values("identity", (3,))


def test_identity_of_more_filters_than_channels():
    w = values({"name": "identity", "others": "lecun_uniform"}, (5, 2, 3, 3))
    np.testing.assert_array_equal(w[:2], values("identity", (2, 2, 3, 3)))
    np.testing.assert_array_equal(w[2:], values("lecun_uniform", (5, 2, 3, 3))[2:])
    fewer = {"name": "identity", "others": "ones"}
    np.testing.assert_array_equal(values(fewer, (2, 3)), np.eye(2, 3))
