"""Layer and group normalisation."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fastcnn.errors import ShapeError
from fastcnn.kernels.spec import SLOPE_FROM_OUTPUT
from tests.kernels.compare import assert_native_matches_reference, central_differences, run
from tests.kernels.halos import assert_halo_untouched, with_halo

quick = settings(deadline=None, max_examples=20)
halos = st.tuples(*(st.integers(0, 2),) * 4)
lanes = st.sampled_from([1, 4, 8, 16])
FAMILIES = ["layer_norm", "group_norm"]


def problem(family, shape, groups, seed=0, halo=(0, 0, 0, 0), affine=True, dtype=np.float32):
    """(arrays of the forward kernel, its groups) for shape (B, channels of a group, H, W, L)."""
    b, c, h, w, count = shape
    random = np.random.default_rng(seed)
    c *= groups
    draw = lambda *s: random.normal(1, 2, s).astype(dtype)  # noqa: E731
    stats = (b, h, w, count) if family == "layer_norm" else (b, groups, count)
    arrays = {
        "x": with_halo(draw(b, c, h, w, count), halo),
        "gamma": draw(c) if affine else None,
        "beta": draw(c) if affine else None,
        "y": with_halo(np.zeros((b, c, h, w, count), dtype), halo),
        "mean": np.zeros(stats, dtype),
        "inv_std": np.zeros(stats, dtype),
    }
    return arrays, ({"groups": groups} if family == "group_norm" else {}), draw


def backward_arrays(family, arrays, draw, own):
    """Arguments of the two backward kernels."""
    # A group of one value has gradient 0: what rounding leaves of it is multiplied by inv_std.
    params = {"activation": "linear", "epsilon": 0.1, **own}
    forward = run(f"{family}_forward", arrays, "reference", **params)
    statistics = {name: forward[name] for name in ("mean", "inv_std")}
    dy = draw(*arrays["x"].shape)
    common = {"dy": dy, "x": arrays["x"], **statistics}
    count = arrays["x"].shape[1]
    weight = {**common, "dgamma": np.zeros(count, dy.dtype), "dbeta": np.zeros(count, dy.dtype)}
    return {**common, "gamma": arrays["gamma"], "dx": arrays["y"]}, weight


@pytest.mark.parametrize("activation", ["linear", "relu", "softplus"])
@pytest.mark.parametrize("family", FAMILIES)
@quick
@given(
    shape=st.tuples(*(st.integers(1, n) for n in (3, 5, 4, 5)), lanes),
    groups=st.integers(1, 4),
    halo=halos,
    affine=st.booleans(),
    seed=st.integers(0, 99),
)
def test_forward(family, activation, shape, groups, halo, affine, seed):
    assert activation in SLOPE_FROM_OUTPUT
    arrays, own, _ = problem(family, shape, groups, seed, halo, affine)
    params = {"activation": activation, "epsilon": 1e-2, **own}
    assert_native_matches_reference(f"{family}_forward", arrays, **params)
    result = run(f"{family}_forward", arrays, "native", **params)
    assert_halo_untouched(result["y"])
    without = {**arrays, "mean": None, "inv_std": None}
    y = run(f"{family}_forward", without, "native", **params)["y"]
    np.testing.assert_array_equal(y, result["y"])


@pytest.mark.parametrize("family", FAMILIES)
@quick
@given(
    shape=st.tuples(*(st.integers(1, n) for n in (3, 5, 4, 5)), lanes),
    groups=st.integers(1, 4),
    halo=halos,
    affine=st.booleans(),
    seed=st.integers(0, 99),
)
def test_backward(family, shape, groups, halo, affine, seed):
    arrays, own, draw = problem(family, shape, groups, seed, halo, affine)
    to_input, to_weight = backward_arrays(family, arrays, draw, own)
    assert_native_matches_reference(f"{family}_backward_input", to_input, **own)
    assert_halo_untouched(run(f"{family}_backward_input", to_input, "native", **own)["dx"])
    assert_native_matches_reference(f"{family}_backward_weight", to_weight, **own)


@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize("shape", [(2, 70, 1, 1, 16), (1, 3, 40, 37, 4), (1, 2, 33, 30, 16)])
def test_long_sums(family, shape):
    arrays, own, draw = problem(family, shape, 3)
    assert_native_matches_reference(f"{family}_forward", arrays, **own)
    to_input, to_weight = backward_arrays(family, arrays, draw, own)
    assert_native_matches_reference(f"{family}_backward_input", to_input, **own)
    assert_native_matches_reference(f"{family}_backward_weight", to_weight, **own)


@pytest.mark.parametrize("family", FAMILIES)
def test_large_values_with_a_small_spread(family):
    arrays, own, _ = problem(family, (2, 6, 3, 5, 16), 2)
    arrays["x"] += 1000
    x64 = {k: v.astype(np.float64) for k, v in arrays.items()}
    expected = run(f"{family}_forward", x64, "reference", **own)["y"]
    y = run(f"{family}_forward", arrays, "native", **own)["y"]
    np.testing.assert_allclose(y, expected, atol=1e-3)


@pytest.mark.parametrize("family", FAMILIES)
def test_gradient(family):
    arrays, own, draw = problem(family, (2, 3, 2, 2, 4), 2, dtype=np.float64)
    to_input, to_weight = backward_arrays(family, arrays, draw, own)
    dy = to_input["dy"]

    def loss(_):
        params = {"activation": "linear", "epsilon": 0.1, **own}
        y = run(f"{family}_forward", arrays, "reference", **params)["y"]
        return float((y * dy).sum())

    dx = run(f"{family}_backward_input", to_input, "reference", **own)["dx"]
    np.testing.assert_allclose(dx, central_differences(loss, arrays["x"]), rtol=1e-5, atol=1e-7)
    weights = run(f"{family}_backward_weight", to_weight, "reference", **own)
    for name in ("gamma", "beta"):
        numeric = central_differences(loss, arrays[name])
        np.testing.assert_allclose(weights[f"d{name}"], numeric, rtol=1e-5, atol=1e-7)


def test_groups_must_divide_the_channels():
    arrays, _, _ = problem("group_norm", (1, 3, 2, 2, 4), 2)
    with pytest.raises(ShapeError, match="6 channels can't be split into 4 groups"):
        run("group_norm_forward", arrays, "reference", groups=4)
    with pytest.raises(ShapeError, match="groups in mean must be 3, not 2"):
        run("group_norm_forward", arrays, "reference", groups=3)
