"""Every activation against PyTorch: by itself, and fused into the layer before it."""

import numpy as np
import pytest

from fastcnn import layers as L
from fastcnn.engine.activation import make_activation
from tests.torch.against import BACKENDS, F, assert_as_torch, needs_torch, samples, torch

pytestmark = needs_torch


def step(x, threshold=0.0):
    return (x > threshold).to(x) + 0 * x


def rectifier(x, slope, top, threshold):
    """Keras' ReLU with all of its options."""
    line = torch.where(x > threshold, x, slope * (x - threshold))
    return line.clamp(max=top)


# Not F.hardsigmoid, which has 1/6 as a float32 in its gradient of float64.
TABLE = [  # name, options, the same in PyTorch
    ("linear", {}, lambda x: x + 0),
    ("threshold", {}, step),
    ("threshold", {"threshold": 0.5}, lambda x: step(x, 0.5)),
    ("sigmoid", {}, lambda x: torch.sigmoid(x)),
    ("hard_sigmoid", {}, lambda x: F.relu6(x + 3) / 6),
    ("tanh", {}, lambda x: torch.tanh(x)),
    ("relu", {}, lambda x: F.relu(x)),
    ("relu", {"negative_slope": 0.1}, lambda x: F.leaky_relu(x, 0.1)),
    ("relu", {"max_value": 6}, lambda x: F.relu6(x)),
    ("relu", {"max_value": 2}, lambda x: F.hardtanh(x, 0, 2)),
    ("relu", {"threshold": 0.5}, lambda x: F.threshold(x, 0.5, 0)),
    (
        "relu",
        {"negative_slope": 0.1, "max_value": 2, "threshold": 0.5},
        lambda x: rectifier(x, 0.1, 2, 0.5),
    ),
    ("relu6", {}, lambda x: F.relu6(x)),
    ("leaky_relu", {}, lambda x: F.leaky_relu(x, 0.2)),
    ("leaky_relu", {"negative_slope": 0.01}, lambda x: F.leaky_relu(x)),
    ("elu", {}, lambda x: F.elu(x)),
    ("elu", {"alpha": 0.3}, lambda x: F.elu(x, 0.3)),
    ("selu", {}, lambda x: F.selu(x)),
    ("softplus", {}, lambda x: F.softplus(x, threshold=50)),
    ("softsign", {}, lambda x: F.softsign(x)),
    ("gelu", {}, lambda x: F.gelu(x)),
    ("gelu_tanh", {}, lambda x: F.gelu(x, approximate="tanh")),
    ("swish", {}, lambda x: F.silu(x)),
    ("silu", {}, lambda x: F.silu(x)),
    ("mish", {}, lambda x: F.mish(x)),
    ("softmax", {}, lambda x: F.softmax(x, 1)),
    ("log_softmax", {}, lambda x: F.log_softmax(x, 1)),
]
IDS = [f"{name}-{options}" for name, options, _ in TABLE]
LAYERS = [  # that are activations under a name of their own
    (L.ReLU(), lambda x: F.relu(x)),
    (L.LeakyReLU(), lambda x: F.leaky_relu(x, 0.3)),
    (L.ELU(0.7), lambda x: F.elu(x, 0.7)),
    (L.Softmax(), lambda x: F.softmax(x, 1)),
    (L.LogSoftmax(), lambda x: F.log_softmax(x, 1)),
    (L.Activation("tanh"), lambda x: torch.tanh(x)),
    (L.PReLU(), lambda x, alpha: torch.where(x > 0, x, alpha * x)),
    (L.PReLU(shared_axes=(1, 2)), lambda x, alpha: F.prelu(x, alpha.flatten())),
    (L.PReLU(shared_axes=(1, 2, 3)), lambda x, alpha: F.prelu(x, alpha.flatten())),
    (L.PReLU(shared_axes=(3,)), lambda x, alpha: torch.where(x > 0, x, alpha * x)),
]


def numbers():
    """Random ones, small, middling and large, and 0."""
    (x,) = samples((7, 5, 4))
    x *= np.array([0.01, 1, 3, 10, 40, 1e3, 1])[:, None, None]
    x[:, 6, 0, 0] = 0
    return [x]


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize(("name", "options", "function"), TABLE, ids=IDS)
def test_by_itself(name, options, function, backend):
    layer = make_activation({"name": name, **options}).layer()
    assert_as_torch(layer, numbers(), function, backend)


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize(("name", "options", "function"), TABLE, ids=IDS)
@pytest.mark.parametrize("layer", [L.Dense, lambda n, **o: L.Conv2D(n, 1, **o)])
def test_after_another_layer(layer, name, options, function, backend):
    made = layer(6, activation={"name": name, **options})
    shape = (4,) if isinstance(made, L.Dense) else (4, 5, 3)

    def both(x, kernel, bias):
        linear = F.linear if isinstance(made, L.Dense) else F.conv2d
        return function(linear(x, kernel, bias))

    assert_as_torch(made, samples(shape), both, backend)


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize(
    ("layer", "function"), LAYERS, ids=[repr(layer)[:40] for layer, _ in LAYERS]
)
def test_layers(layer, function, backend):
    assert_as_torch(layer, numbers(), function, backend)
