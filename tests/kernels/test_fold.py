import numpy as np
import pytest

from fastcnn.kernels import call
from tests.kernels.compare import assert_native_matches_reference

RNG = np.random.default_rng(0)
VECTORS = ("b", "gamma", "beta", "moving_mean", "moving_var")


def arrays_of(filters, weights, absent=(), dtype=np.float32):
    made = {name: RNG.normal(size=filters).astype(dtype) for name in VECTORS}
    made["moving_var"] = made["moving_var"] ** 2
    made |= {name: None for name in absent}
    made["w"] = RNG.normal(size=(filters, weights)).astype(dtype)
    made["folded_w"], made["folded_b"] = np.empty_like(made["w"]), np.empty(filters, dtype)
    return made


@pytest.mark.parametrize("absent", [(), ("b",), ("gamma",), ("beta",), ("b", "gamma", "beta")])
@pytest.mark.parametrize("filters", [1, 5, 17])
def test_fold_matches_reference(filters, absent):
    assert_native_matches_reference("fold_batch_norm", arrays_of(filters, 9, absent), epsilon=1e-3)


def test_folded_weights_give_what_batch_norm_gives():
    """batch_norm(w x + b) = folded_w x + folded_b"""
    made = arrays_of(4, 6, dtype=np.float64)
    call("fold_batch_norm", made, backend="reference", epsilon=1e-2)
    x = RNG.normal(size=6)
    plain = made["w"] @ x + made["b"]
    norm = (plain - made["moving_mean"]) / np.sqrt(made["moving_var"] + 1e-2)
    wanted = made["gamma"] * norm + made["beta"]
    np.testing.assert_allclose(made["folded_w"] @ x + made["folded_b"], wanted, rtol=1e-12)
