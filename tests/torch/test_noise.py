"""Dropouts: each of our numbers is one of the two that PyTorch gives there, and so its gradient.

Which one is drawn at random, here and there by other generators.
"""

import numpy as np
import pytest

from fastcnn import layers as L
from tests.run_layers import run_layers
from tests.torch.against import (
    BACKENDS,
    TOLERANCES,
    F,
    assert_close,
    needs_torch,
    samples,
    tensor,
    torch,
)

pytestmark = needs_torch
X = (30, 4, 3)
ROWS = [  # layer, the same in PyTorch
    (L.Dropout(0.3), lambda x: F.dropout(x, 0.3)),
    (L.Dropout(0.8), lambda x: F.dropout(x, 0.8)),
    (L.AlphaDropout(0.3), lambda x: F.alpha_dropout(x, 0.3, training=True)),
    (L.SpatialDropout2D(0.4), lambda x: F.dropout2d(x, 0.4)),
]
IDS = [repr(layer) for layer, _ in ROWS]


def outcomes(function, x, dy):
    """(y, dx) of many draws, in all of which every element is kept and dropped some time."""
    torch.manual_seed(0)
    draws = []
    for _ in range(60):
        leaf = tensor(x)
        y = function(leaf)
        y.backward(torch.from_numpy(dy))
        draws.append((y.detach().numpy(), leaf.grad.numpy()))
    return draws


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize(("layer", "function"), ROWS, ids=IDS)
def test_training(layer, function, backend):
    (x,) = samples(X)
    dy = samples(X, seed=1)[0]
    ours = run_layers([layer], [x], dy, backend=backend)
    near = TOLERANCES[backend] * 10
    found = np.zeros(x.shape, bool)
    for y, dx in outcomes(function, x, dy):
        found |= (abs(y - ours.y) < near) & (abs(dx - ours.dxs[0]) < near)
    assert found.all()
    kept = (ours.dxs[0] != 0).mean()
    assert abs(kept - (1 - layer.rate)) < 0.1
    if isinstance(layer, L.SpatialDropout2D):
        assert np.isin((ours.y != 0).mean((2, 3)), [0, 1]).all()


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize(("layer", "function"), ROWS, ids=IDS)
def test_prediction_changes_nothing(layer, function, backend):
    (x,) = samples(X)
    result = run_layers([layer], [x], backend=backend)
    assert_close(result.y, tensor(x), backend)
