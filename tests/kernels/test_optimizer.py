"""Optimizers against the reference, and the reference against a loop over single parameters."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fastcnn.kernels.spec import OPS
from tests.kernels.compare import assert_native_matches_reference, run

UPDATES = [name for name, op in OPS.items() if "hyper" in op.tensors]
CASES = [
    ("sgd_update", {}, False),
    ("sgd_update", {"momentum": 0.9}, True),
    ("sgd_update", {"momentum": 0.9, "nesterov": 1}, True),
    ("adam_update", {}, True),
    ("adadelta_update", {}, True),
    ("rmsprop_update", {}, False),
    ("rmsprop_update", {"momentum": 0.9}, True),
    ("adagrad_update", {}, True),
]


def optimizer_arrays(name, sizes, seed, optional, dtype=np.float32, step=3):
    rng = np.random.default_rng(seed)
    n = sum(sizes)
    arrays = {
        "p": rng.normal(size=n).astype(dtype),
        "g": rng.normal(size=n).astype(dtype),
        "bounds": np.cumsum([0, *sizes]),
        "penalties": (rng.integers(0, 2, (len(sizes), 3)) * 0.01).astype(dtype),
        "hyper": np.array([0.01, 1 - 0.9**step, 1 - 0.999**step]),
    }
    for tensor, shape in OPS[name].tensors.items():
        if tensor not in arrays and (optional or "?" not in shape):
            arrays[tensor] = rng.uniform(0.1, 1, n).astype(dtype)
    return arrays


@pytest.mark.parametrize(("name", "params", "optional"), CASES)
@settings(deadline=None, max_examples=12)
@given(sizes=st.lists(st.integers(0, 150), min_size=1, max_size=5), seed=st.integers(0, 99))
def test_native_matches_reference(name, params, optional, sizes, seed):
    arrays = optimizer_arrays(name, sizes, seed, optional)
    assert_native_matches_reference(name, arrays, **params)


def test_every_optimizer_is_tested():
    assert {name for name, *_ in CASES} == set(UPDATES)


def one_parameter(name, p, gradients, lr, state, l1, l2, decay, c):
    """The rules once more, for one parameter over several steps; state starts at `state`."""
    a = b = state
    for t, g in enumerate(gradients, 1):
        g += l1 * math.copysign(1, p) + 2 * l2 * p
        p *= 1 - lr * decay
        if name == "sgd_update" and not c["momentum"]:
            p -= lr * g
        elif name == "sgd_update":
            a = c["momentum"] * a - lr * g
            p += c["momentum"] * a - lr * g if c["nesterov"] else a
        elif name == "adam_update":
            a = c["beta1"] * a + (1 - c["beta1"]) * g
            b = c["beta2"] * b + (1 - c["beta2"]) * g * g
            alpha = lr * math.sqrt(1 - c["beta2"] ** t) / (1 - c["beta1"] ** t)
            p -= alpha * a / (math.sqrt(b) + c["epsilon"])
        elif name == "adadelta_update":
            a = c["rho"] * a + (1 - c["rho"]) * g * g
            d = g * math.sqrt((b + c["epsilon"]) / (a + c["epsilon"]))
            b = c["rho"] * b + (1 - c["rho"]) * d * d
            p -= lr * d
        elif name == "rmsprop_update":
            a = c["rho"] * a + (1 - c["rho"]) * g * g
            b = c["momentum"] * b + lr * g / math.sqrt(a + c["epsilon"])
            p -= b
        elif name == "adagrad_update":
            a += g * g
            p -= lr * g / math.sqrt(a + c["epsilon"])
    return p


@pytest.mark.parametrize(("name", "params", "optional"), CASES)
@pytest.mark.parametrize("backend", ["native", "reference"])
def test_several_steps(name, params, optional, backend):
    dtype, tolerance = (np.float32, 1e-5) if backend == "native" else (np.float64, 1e-12)
    arrays = optimizer_arrays(name, (5, 40, 1), 7, optional, dtype)
    states = [t for t in arrays if ">" in OPS[name].tensors[t] and t != "p"]
    arrays |= {t: np.zeros_like(arrays["p"]) for t in states}
    gradients = np.random.default_rng(1).normal(size=(4, len(arrays["p"]))).astype(dtype)
    segment = np.repeat(np.arange(3), np.diff(arrays["bounds"]))
    constants = {**OPS[name].params, **params}
    expected = [
        one_parameter(name, float(p), gradients[:, k].tolist(), 0.01, 0.0,
                      *arrays["penalties"][segment[k]].tolist(), constants)
        for k, p in enumerate(arrays["p"])
    ]  # fmt: skip
    for t, g in enumerate(gradients, 1):
        hyper = np.array([0.01, 1 - 0.9**t, 1 - 0.999**t])
        arrays |= run(name, arrays | {"g": g, "hyper": hyper}, backend, **params)
    np.testing.assert_allclose(arrays["p"], expected, rtol=tolerance, atol=tolerance)


@pytest.mark.parametrize("name", UPDATES)
def test_parameters_outside_the_segments_stay(name):
    arrays = optimizer_arrays(name, (20, 30, 20), 2, True)
    arrays["bounds"], arrays["penalties"] = arrays["bounds"][1:3], arrays["penalties"][1:2]
    for tensor, value in run(name, arrays, "native").items():
        np.testing.assert_array_equal(value[:20], arrays[tensor][:20])
        np.testing.assert_array_equal(value[50:], arrays[tensor][50:])
        assert (value[20:50] != arrays[tensor][20:50]).all()


@settings(deadline=None, max_examples=12)
@given(sizes=st.lists(st.integers(0, 3000), min_size=1, max_size=3), seed=st.integers(0, 99))
def test_penalty_value(sizes, seed):
    arrays = optimizer_arrays("sgd_update", sizes, seed, False)
    arrays = {t: arrays[t] for t in ("p", "bounds", "penalties")} | {"out": np.empty(1)}
    assert_native_matches_reference("penalty_value", arrays)


def test_penalty_value_has_the_gradient_that_the_updates_use():
    """SGD with lr 1 and no other gradient moves by minus the derivative of the penalty."""
    arrays = optimizer_arrays("sgd_update", (4, 3), 3, False, np.float64)
    arrays["penalties"][:] = (0.2, 0.3, 0)
    arrays |= {"g": np.zeros(7), "hyper": np.array([1.0])}
    moved = run("sgd_update", arrays, "reference")["p"] - arrays["p"]
    value = {t: arrays[t] for t in ("p", "bounds", "penalties")} | {"out": np.empty(1)}
    for k in range(7):
        shifted = arrays["p"].copy()
        shifted[k] += 1e-6
        above = run("penalty_value", value | {"p": shifted}, "reference")["out"][0]
        below = run("penalty_value", value, "reference")["out"][0]
        assert moved[k] == pytest.approx(-(above - below) / 1e-6, rel=1e-4)
