"""Every registered constraint: what holds after every update."""

import numpy as np
import pytest

from fastcnn import Sequential
from fastcnn import constraints as faces
from fastcnn import layers as L
from fastcnn.errors import OptionError
from fastcnn.kernels.backends import BACKENDS
from fastcnn.plugins.registry import constraints as registry


def clipped(norms, low, high):
    return np.clip(norms, low, high) / (1e-7 + norms)


def half_way(w, norms):
    return w * (0.5 * np.clip(norms, 0.6, 0.9) + 0.5 * norms) / (1e-7 + norms)


# Options, and what the weights of each unit (rows) become.
CASES = [
    ("max_norm", {"max_value": 0.7}, lambda w, n: w * clipped(n, 0, 0.7)),
    ("unit_norm", {}, lambda w, n: w * clipped(n, 1, 1)),
    ("min_max_norm", {"min_value": 0.6, "max_value": 0.9}, lambda w, n: w * clipped(n, 0.6, 0.9)),
    (
        "min_max_norm",
        {"min_value": 0.6, "max_value": 0.9, "rate": 0.5},
        half_way,
    ),
    ("non_neg", {}, lambda w, n: np.maximum(w, 0)),
]
X = np.random.default_rng(0).integers(0, 256, (40, 5, 5, 1), dtype=np.uint8)
Y = np.arange(40) % 3


def test_every_constraint_is_tested_and_has_a_face():
    assert {name for name, *_ in CASES} == set(registry.names())
    assert {
        getattr(faces, name).registered_name for name in faces.__all__ if name != "Constraint"
    } == set(registry.names())


def model_with(constraint, backend="native", threads=2, epochs=1, batch_size=40):
    net = [
        L.Conv2D(4, 3, kernel_constraint=constraint, bias_constraint=constraint),
        L.Flatten(),
        L.Dense(3, activation="softmax", kernel_constraint=constraint),
    ]
    model = Sequential(net, seed=2, backend=backend, threads=threads)
    model.compile({"name": "sgd", "learning_rate": 0.5})
    model.fit(X, Y, epochs=epochs, batch_size=batch_size, verbose=0)
    return model


@pytest.mark.parametrize(("name", "options", "formula"), CASES)
@pytest.mark.parametrize("backend", BACKENDS)
def test_after_one_step(name, options, formula, backend):
    """Keras' axes: all weights that come into a unit or filter; the whole bias."""
    free = model_with(None, backend).get_weights()
    model = model_with({"name": name, **options}, backend)
    for key in ("conv2d/kernel", "conv2d/bias", "dense/kernel"):
        w = free[key].astype(np.float64)
        units = w.reshape(1, -1) if w.ndim == 1 else w.reshape(len(w), -1)
        expected = formula(units, np.linalg.norm(units, axis=1, keepdims=True))
        got = model.get_weights()[key]
        np.testing.assert_allclose(got, expected.reshape(w.shape), rtol=1e-4, atol=1e-6)
    np.testing.assert_array_equal(model.get_weights()["dense/bias"], free["dense/bias"])


@pytest.mark.parametrize(
    ("constraint", "words"),
    [
        ("maxnorm", "did you mean 'max_norm'"),
        ({"name": "max_norm", "max_value": 0}, "max_value"),
        ({"name": "min_max_norm", "min_value": 2.0}, "min_value <= max_value"),
        ({"name": "min_max_norm", "rate": 2.0}, "rate <= 1"),
        (3, "a name, a table or an object"),
    ],
)
def test_mistakes_are_named(constraint, words):
    with pytest.raises(OptionError, match=words):
        model_with(constraint)
