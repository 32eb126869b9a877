"""The scale that sums are judged by: absolute terms, and nothing where there is no sum."""

import numpy as np
import pytest

from fastcnn.kernels.spec import OPS
from tests.kernels.compare import (
    assert_close,
    assert_native_matches_reference,
    by_reference,
    run,
)
from tests.kernels.sums import PRODUCTS, TRANSFORMED, absolute_terms

DRAW = np.random.default_rng(0)


def terms_of(name, arrays, **params):
    return absolute_terms(by_reference, name, arrays, {**OPS[name].params, **params})


def test_of_a_dense_layer():
    x, w, dy = DRAW.normal(size=(2, 5, 4)), DRAW.normal(size=(3, 5)), DRAW.normal(size=(2, 3, 4))
    y = terms_of("dense_forward", {"x": x, "w": w, "b": None, "y": np.empty_like(dy)})["y"]
    np.testing.assert_allclose(y, np.einsum("bil,oi->bol", abs(x), abs(w)))
    arrays = {"x": x, "dy": dy, "dw": np.empty_like(w), "db": np.empty(3)}
    found = terms_of("dense_backward_weight", arrays)
    np.testing.assert_allclose(found["dw"], np.einsum("bil,bol->oi", abs(x), abs(dy)))
    np.testing.assert_allclose(found["db"], abs(dy).sum(axis=(0, 2)))


def test_of_learned_slopes():
    x, dy = DRAW.normal(size=(2, 2, 3, 4, 5, 2))
    found = terms_of("prelu_backward_weight", {"dy": dy, "x": x, "dalpha": np.empty((3, 1, 1))})
    wanted = (abs(dy * x) * (x < 0)).sum(axis=(0, 2, 3, 4))
    np.testing.assert_allclose(found["dalpha"].ravel(), wanted)


@pytest.mark.parametrize("family", ["group", "layer", "batch"])
def test_of_normalisation_no_result_is_larger(family):
    x, dy = DRAW.normal(size=(2, 2, 4, 3, 2, 4))
    gamma, order = DRAW.normal(size=4), np.arange(8).reshape(2, 4)
    groups = {"groups": 2} if family == "group" else {}
    shape = {"group": (2, 2, 4), "layer": (2, 3, 2, 4), "batch": (4,)}[family]
    arrays = {"x": x, "gamma": gamma, "mean": np.empty(shape), "inv_std": np.empty(shape)}
    if family == "batch":
        arrays |= {"order": order, "beta": None, "moving_mean": np.zeros(4), "moving_var": gamma**2}
    made = run(f"{family}_norm_forward", {**arrays, "y": np.empty_like(x)}, "reference", **groups)
    arrays |= {k: made[k] for k in ("mean", "inv_std")} | {"dy": dy, "dx": np.empty_like(x)}
    arrays |= {"dgamma": np.empty(4), "dbeta": np.empty(4)}
    names = [n for n in OPS if n.startswith(f"{family}_norm_backward")]
    for name in names:
        own = {k: v for k, v in arrays.items() if k in OPS[name].tensors}
        own = {k: v for k, v in own.items() if not k.startswith("moving")}
        found, want = terms_of(name, own, **groups), run(name, own, "reference", **groups)
        for out, value in want.items():
            assert (found[out] >= abs(value) * (1 - 1e-12)).all(), (name, out)


def test_names_are_kernels():
    assert set(OPS) >= PRODUCTS | TRANSFORMED


def test_what_is_no_sum_has_no_terms():
    x = DRAW.normal(size=(1, 2, 3, 4, 5))
    assert terms_of("activation_forward", {"x": x, "y": np.empty_like(x)}, activation="tanh") == {}


def test_a_sum_that_cancels_is_judged_by_its_terms():
    """Rounding in proportion to 1e4 terms of size 10 passes, ten times as much does not."""
    want, terms = np.array([0.5]), np.array([1e5])
    assert_close(want + 0.9, want, 1e-5, "sum", terms)
    for wrong in (want + 9, want * np.nan, want + np.inf):
        with pytest.raises(AssertionError, match="1 of 1 differ"):
            assert_close(wrong, want, 1e-5, "sum", terms)
    with pytest.raises(AssertionError):
        assert_close(want + 0.9, want, 1e-5, "no sum")


def test_a_gradient_that_cancelled_on_one_machine():
    random = np.random.default_rng(99)
    shape = (2, 3, 3, 3, 4)
    x, dy = (random.normal(0, 3, shape).astype(np.float32) for _ in range(2))
    arrays = {"dy": dy, "x": x, "dalpha": np.zeros((1, 1, 1), np.float32)}
    assert_native_matches_reference("prelu_backward_weight", arrays)
