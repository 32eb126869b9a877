"""Penalties on activations."""

import numpy as np
import pytest

from tests.kernels.compare import assert_native_matches_reference, central_differences, run
from tests.kernels.halos import with_halo

PARAMS = {"l1": 0.3, "l2": 0.7}


def arrays_of(lanes, dtype=np.float32):
    rng = np.random.default_rng(lanes)
    x = rng.normal(size=(2, 3, 2, 5, lanes)).astype(dtype)
    order = np.arange(2 * lanes).reshape(2, lanes)
    order[1, lanes // 2 :] = -1
    return {"x": x, "order": order}


@pytest.mark.parametrize("lanes", [1, 4, 8, 16, 32])
@pytest.mark.parametrize("halo", [False, True])
def test_native_matches_reference(lanes, halo):
    arrays = arrays_of(lanes)
    dx = np.zeros_like(arrays["x"])
    if halo:
        arrays["x"], dx = with_halo(arrays["x"], (1, 2, 0, 1)), with_halo(dx, (0, 1, 1, 0))
    loss = np.zeros(arrays["order"].shape, np.float32)
    assert_native_matches_reference("activity_penalty", arrays | {"penalty": loss}, **PARAMS)
    assert_native_matches_reference("activity_penalty_backward", arrays | {"dx": dx}, **PARAMS)


@pytest.mark.parametrize("lanes", [1, 4])
def test_gradient_is_that_of_the_mean(lanes):
    arrays = arrays_of(lanes, np.float64)
    order, images = arrays["order"], (arrays["order"] >= 0).sum()

    def mean(x):
        loss = {"x": x, "order": order, "penalty": np.zeros(order.shape)}
        return run("activity_penalty", loss, "reference", **PARAMS)["penalty"].sum() / images

    step = arrays | {"dx": np.zeros_like(arrays["x"])}
    dx = run("activity_penalty_backward", step, "reference", **PARAMS)["dx"]
    np.testing.assert_allclose(dx, central_differences(mean, arrays["x"]), atol=1e-8)
