"""Optimizers against the reference, and the reference against a loop over single parameters."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fastcnn.kernels.backends import BACKENDS
from fastcnn.kernels.checks import square_sum_count
from fastcnn.kernels.spec import OPS
from tests.kernels.compare import assert_native_matches_reference, run

UPDATES = [name for name, op in OPS.items() if "hyper" in op.tensors]
CASES = [
    ("sgd_update", {}, False),
    ("sgd_update", {"momentum": 0.9}, True),
    ("sgd_update", {"momentum": 0.9, "nesterov": 1}, True),
    ("adam_update", {}, False),
    ("adam_update", {}, True),
    ("adamax_update", {}, True),
    ("nadam_update", {}, True),
    ("radam_update", {}, True),
    ("lion_update", {}, True),
    ("lars_update", {"trust": 0.02}, True),
    ("adadelta_update", {}, True),
    ("rmsprop_update", {}, False),
    ("rmsprop_update", {"momentum": 0.9}, True),
    ("adagrad_update", {}, True),
]


def hyper_of(name, lr, t):
    """Numbers of iteration t; nadam and radam get some of the right kind."""
    numbers = [lr, 1 - 0.9**t, 1 - 0.999**t]
    return {
        "nadam_update": [lr, 0.9 / t, 0.5 / t, 1 - 0.999**t],
        "radam_update": [*numbers, 0.1 * t if t > 2 else 0.0],
    }.get(name, numbers)


def optimizer_arrays(name, sizes, seed, optional, dtype=np.float32, step=3):
    rng = np.random.default_rng(seed)
    n, bounds = sum(sizes), np.cumsum([0, *sizes])
    arrays = {
        "p": rng.normal(size=n).astype(dtype),
        "g": rng.normal(size=n).astype(dtype),
        "bounds": bounds,
        "penalties": (rng.integers(0, 2, (len(sizes), 4)) * [0.01, 0.02, 0.03, 0.5]).astype(dtype),
        "hyper": np.array(hyper_of(name, 0.01, step)),
    }
    arrays["penalties"][:, 3] += 0.5
    if name == "lars_update":
        arrays["adapted"] = rng.integers(0, 2, len(sizes))
        arrays |= lars_squares(arrays)
    for tensor, shape in OPS[name].tensors.items():
        if tensor not in arrays and (optional or "?" not in shape):
            arrays[tensor] = rng.uniform(0.1, 1, n).astype(dtype)
    return arrays


def lars_squares(arrays):
    squares = {}
    for letter in "pg":
        out = np.zeros(square_sum_count(arrays["bounds"]))
        step = {"p": arrays[letter], "bounds": arrays["bounds"], "squares": out}
        squares[f"{letter}_squares"] = run("square_sums", step, "reference")["squares"]
    return squares


@pytest.mark.parametrize(("name", "params", "optional"), CASES)
@settings(deadline=None, max_examples=12)
@given(sizes=st.lists(st.integers(0, 150), min_size=1, max_size=5), seed=st.integers(0, 99))
def test_native_matches_reference(name, params, optional, sizes, seed):
    arrays = optimizer_arrays(name, sizes, seed, optional)
    assert_native_matches_reference(name, arrays, **params)


def test_every_optimizer_is_tested():
    assert {name for name, *_ in CASES} == set(UPDATES)


def one_parameter(name, p, gradients, hypers, penalties, c, trusts):
    """The rules once more, for one parameter over several steps; states start at 0."""
    a = b = largest = 0.0
    l1, l2, decay, factor = penalties
    sqrt = math.sqrt
    for g, (lr, *h), trust in zip(gradients, hypers, trusts, strict=True):
        lr *= factor
        g += l1 * math.copysign(1, p) + 2 * l2 * p
        if name == "lars_update":
            a = c["momentum"] * a + lr * trust * (g + decay * p)
            p -= a
            continue
        p *= 1 - lr * decay
        if "beta1" in c:
            before, a = a, c["beta1"] * a + (1 - c["beta1"]) * g
        if name in ("adam_update", "nadam_update", "radam_update"):
            b = c["beta2"] * b + (1 - c["beta2"]) * g * g
        if name == "sgd_update" and not c["momentum"]:
            p -= lr * g
        elif name == "sgd_update":
            a = c["momentum"] * a - lr * g
            p += c["momentum"] * a - lr * g if c["nesterov"] else a
        elif name == "adam_update":
            largest = max(largest, b) if c["optional"] else b
            p -= lr * sqrt(h[1]) / h[0] * a / (sqrt(largest) + c["epsilon"])
        elif name == "adamax_update":
            b = max(c["beta2"] * b, abs(g))
            p -= lr / h[0] * a / (b + c["epsilon"])
        elif name == "nadam_update":
            p -= lr * (h[0] * a + h[1] * g) / (sqrt(b / h[2]) + c["epsilon"])
        elif name == "radam_update":
            adaptive = h[2] * sqrt(h[1]) / (sqrt(b) + c["epsilon"]) if h[2] else 1
            p -= lr / h[0] * adaptive * a
        elif name == "lion_update":
            p -= lr * math.copysign(1, a)
            a = c["beta2"] * before + (1 - c["beta2"]) * g
        elif name == "adadelta_update":
            a = c["rho"] * a + (1 - c["rho"]) * g * g
            d = g * sqrt((b + c["epsilon"]) / (a + c["epsilon"]))
            b = c["rho"] * b + (1 - c["rho"]) * d * d
            p -= lr * d
        elif name == "rmsprop_update":
            a = c["rho"] * a + (1 - c["rho"]) * g * g
            b = c["momentum"] * b + lr * g / sqrt(a + c["epsilon"])
            p -= b
        elif name == "adagrad_update":
            a += g * g
            p -= lr * g / sqrt(a + c["epsilon"])
    return p


def lars_trusts(arrays, constants):
    """The factor of each parameter's learning rate, from the norms of its segment."""
    segment = np.repeat(np.arange(3), np.diff(arrays["bounds"]))
    trusts = []
    for s, decay in enumerate(arrays["penalties"][:, 2]):
        p, g = (float(np.linalg.norm(arrays[k][segment == s].astype(float))) for k in "pg")
        one = constants["trust"] * p / (g + decay * p + constants["epsilon"])
        trusts.append(one if arrays["adapted"][s] else 1.0)
    return np.array(trusts)[segment]


@pytest.mark.parametrize(("name", "params", "optional"), CASES)
@pytest.mark.parametrize("backend", BACKENDS)
def test_several_steps(name, params, optional, backend):
    dtype, tolerance = (np.float32, 1e-5) if backend != "reference" else (np.float64, 1e-12)
    arrays = optimizer_arrays(name, (5, 40, 1), 7, optional, dtype)
    states = [t for t in arrays if ">" in OPS[name].tensors[t] and t != "p"]
    arrays |= {t: np.zeros_like(arrays["p"]) for t in states}
    start = arrays["p"].copy()
    gradients = np.random.default_rng(1).normal(size=(4, len(start))).astype(dtype)
    segment = np.repeat(np.arange(3), np.diff(arrays["bounds"]))
    constants = {**OPS[name].params, **params, "optional": optional}
    hypers = [hyper_of(name, 0.01, t) for t in (1, 2, 3, 4)]
    trusts = np.ones((4, len(start)))
    for t, g in enumerate(gradients):
        arrays |= {"g": g, "hyper": np.array(hypers[t])}
        if name == "lars_update":
            arrays |= lars_squares(arrays)
            trusts[t] = lars_trusts(arrays, constants)
        arrays |= run(name, arrays, backend, **params)
    expected = [
        one_parameter(name, float(p), gradients[:, k].tolist(), hypers,
                      arrays["penalties"][segment[k]].tolist(), constants, trusts[:, k].tolist())
        for k, p in enumerate(start)
    ]  # fmt: skip
    np.testing.assert_allclose(arrays["p"], expected, rtol=tolerance, atol=tolerance)


@pytest.mark.parametrize("name", UPDATES)
def test_parameters_outside_the_segments_stay(name):
    arrays = optimizer_arrays(name, (20, 30, 20), 2, True)
    arrays["bounds"], arrays["penalties"] = arrays["bounds"][1:3], arrays["penalties"][1:2]
    if name == "lars_update":
        arrays |= {"adapted": arrays["adapted"][1:2], **lars_squares(arrays)}
    for tensor, value in run(name, arrays, "native").items():
        np.testing.assert_array_equal(value[:20], arrays[tensor][:20])
        np.testing.assert_array_equal(value[50:], arrays[tensor][50:])
        if tensor != "largest":
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
    arrays["penalties"][:] = (0.2, 0.3, 0, 1)
    arrays |= {"g": np.zeros(7), "hyper": np.array([1.0])}
    moved = run("sgd_update", arrays, "reference")["p"] - arrays["p"]
    value = {t: arrays[t] for t in ("p", "bounds", "penalties")} | {"out": np.empty(1)}
    for k in range(7):
        shifted = arrays["p"].copy()
        shifted[k] += 1e-6
        above = run("penalty_value", value | {"p": shifted}, "reference")["out"][0]
        below = run("penalty_value", value, "reference")["out"][0]
        assert moved[k] == pytest.approx(-(above - below) / 1e-6, rel=1e-4)


@pytest.mark.parametrize("name", UPDATES)
def test_ranges_of_whole_segments_can_be_updated_one_by_one(name):
    arrays = optimizer_arrays(name, (16, 48, 32), 4, True)
    together = run(name, arrays, "native")
    flat = [t for t in arrays if OPS[name].axes(t) == ["P"]]
    own = {t: arrays[t].copy() for t in flat}
    for first, last in ((0, 1), (1, 3)):
        start, end = arrays["bounds"][[first, last]]
        part = arrays | {t: own[t][start:end] for t in flat}
        part["bounds"] = arrays["bounds"][first : last + 1] - start
        for tensor in ("penalties", "adapted", "p_squares", "g_squares"):
            if tensor in arrays:
                part[tensor] = arrays[tensor][first:last]
        for tensor, value in run(name, part, "native").items():
            own[tensor][start:end] = value
    for tensor, value in together.items():
        assert np.array_equal(own[tensor], value)
