"""Relative errors of csrc/vecmath.h against float64, seen through the activations made of it."""

import numpy as np
import pytest
from scipy import special

from fastcnn.kernels.native import isas
from tests.kernels.compare import run

HALF = np.concatenate([np.linspace(5e-4, 20, 40000), np.geomspace(1e-6, 1, 3000)])
X = np.concatenate([HALF, -HALF]).astype(np.float32)


def mish(x):
    n = np.exp(x) * (np.exp(x) + 2)
    return x * n / (n + 2)


# Activation: the float64 function, the least x of the test, the error in units of 2^-23.
CASES = {
    "sigmoid": (special.expit, -20, 1.5),  # exp
    "elu": (lambda x: np.where(x > 0, x, np.expm1(x)), -20, 1),  # expm1
    "softplus": (lambda x: np.logaddexp(0, x), -20, 2),  # log1p
    "tanh": (np.tanh, -20, 3),
    "swish": (lambda x: x * special.expit(x), -20, 2),
    "mish": (mish, -20, 3),
    # The far tail keeps its digits: no 1 + erf(x). Below -12 it underflows.
    "gelu": (lambda x: x * special.ndtr(x), -12, 4),
}


@pytest.mark.parametrize("isa", isas())
@pytest.mark.parametrize("activation", CASES)
def test_relative_error(activation, isa):
    function, least, ulps = CASES[activation]
    x = X[least < X].reshape(1, -1, 1, 1, 1)
    arrays = {"x": x, "y": np.empty_like(x)}
    params = {"activation": activation, "alpha": 1.0}
    y = run("activation_forward", arrays, "native", isa=isa, **params)["y"]
    error = np.abs(y / function(x.astype(np.float64)) - 1).max() * 2**23
    assert error < ulps, f"{error:.2f} ulps"


def test_error_of_expm1_in_the_slope_of_softplus():
    """1 - exp(-y) of a small y keeps its digits."""
    y = HALF.astype(np.float32).reshape(1, -1, 1, 1, 1)
    arrays = {"dy": np.ones_like(y), "y": y, "dx": np.empty_like(y)}
    dx = run("activation_backward", arrays, "native", activation="softplus")["dx"]
    assert np.abs(dx / -np.expm1(-y.astype(np.float64)) - 1).max() < 2 * 2.0**-23
