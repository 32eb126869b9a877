"""L-BFGS: convergence, against scipy's on the same loss, and what it does not take."""

import numpy as np
import pytest

from fastcnn import Sequential
from fastcnn import layers as L
from fastcnn.errors import OptionError

RNG = np.random.default_rng(0)
X = RNG.normal(size=(60, 3, 2, 1)).astype(np.float32)
Y = (X.reshape(60, 6) @ RNG.normal(size=(6, 3)) + RNG.normal(size=(60, 3))).argmax(axis=1)
PENALTY = {"name": "l2", "l2": 0.01}


def model_of(optimizer="lbfgs", *, backend="native", hidden=()):
    dtype = "float64" if backend == "reference" else "float32"
    net = [L.Flatten(), *hidden, L.Dense(3, activation="softmax", kernel_regularizer=PENALTY)]
    model = Sequential(net, (3, 2, 1), seed=1, backend=backend, dtype=dtype)
    model.compile(optimizer)
    return model


def fit(model, epochs, **options):
    return model.fit(X, Y, batch_size=60, epochs=epochs, verbose=0, **options).history["loss"]


def smallest_loss():
    """By scipy, of the same loss."""
    from scipy.optimize import minimize

    x = X.reshape(60, 6).astype(float)

    def loss(flat):
        w, b = flat[:18].reshape(3, 6), flat[18:]
        z = x @ w.T + b
        p = np.exp(z - z.max(axis=1, keepdims=True))
        p /= p.sum(axis=1, keepdims=True)
        dz = (p - np.eye(3)[Y]) / 60
        gradient = np.concatenate([(dz.T @ x + 0.02 * w).ravel(), dz.sum(axis=0)])
        return -np.log(p[np.arange(60), Y]).mean() + 0.01 * (w**2).sum(), gradient

    return minimize(loss, np.zeros(21), jac=True, method="L-BFGS-B", tol=1e-12).fun


@pytest.mark.parametrize(("backend", "tolerance"), [("reference", 1e-9), ("native", 1e-6)])
def test_it_finds_the_minimum(backend, tolerance):
    losses = fit(model_of(backend=backend), 30)
    assert losses[-1] == pytest.approx(smallest_loss(), rel=tolerance)
    assert (np.diff(losses) <= 1e-6).all()


def test_it_beats_adam_step_by_step():
    hidden = [L.Dense(8, activation="tanh")]
    assert fit(model_of(hidden=hidden), 25)[-1] < fit(model_of("adam", hidden=hidden), 25)[-1]


def test_a_rate_that_is_too_large_is_shortened():
    losses = fit(model_of({"name": "lbfgs", "learning_rate": 1e4}), 10)
    assert losses[-1] < losses[0]


def test_at_the_minimum_nothing_moves():
    model = model_of()
    fit(model, 60)
    before = model.get_weights()
    fit(model, 62)
    for key, value in model.get_weights().items():
        np.testing.assert_allclose(value, before[key], atol=1e-3)


@pytest.mark.parametrize(
    ("action", "words"),
    [
        (lambda: model_of().fit(X, Y, batch_size=20, verbose=0), "one batch, not in 3"),
        (lambda: model_of({"name": "lbfgs", "clipnorm": 1.0}), "clipnorm"),
        (lambda: model_of({"name": "lbfgs", "history_size": 0}), "history_size"),
        (
            lambda: fit(model_of(hidden=[L.Dense(4, kernel_constraint="non_neg")]), 1),
            "takes no constraints",
        ),
    ],
)
def test_mistakes_are_named(action, words):
    with pytest.raises(OptionError, match=words):
        action()
