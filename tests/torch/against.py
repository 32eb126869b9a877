"""PyTorch as the oracle: a layer's values and all gradients are those of a function in PyTorch.

Tables of the test files may name `torch` and `F` in functions only, so that they can be read
without PyTorch: test_registry.py does.
"""

from copy import deepcopy

import numpy as np
import pytest

from tests.run_layers import DTYPES, run_layers

try:
    import torch
    from torch.nn import functional as F
except ImportError:
    torch = F = None

needs_torch = [
    pytest.mark.torch,
    pytest.mark.skipif(torch is None, reason="PyTorch is not installed"),
]
BACKENDS = ["reference", "native"]
TOLERANCES = {"reference": 1e-10, "native": 2e-5}  # of the largest number, or of 1
BATCH = 5  # of 8 lanes, three stay empty


def names_of(rows):
    """Test names: the layer with its options, and the shapes it is tried on."""
    return [f"{layer!r}-{shapes}" for layer, shapes, _ in rows]


def samples(shapes, batch=BATCH, seed=0):
    """Random arrays of this batch size; a list of them if there are several shapes."""
    rng = np.random.default_rng(seed)
    shapes = shapes if isinstance(shapes, list) else [shapes]
    return [rng.normal(size=(batch, *shape)) for shape in shapes]


def parameters_for(layer, xs):
    """Random parameters; variances are positive."""
    rng = np.random.default_rng(1)
    made = {}
    for name, p in layer.parameters(*[x.shape[1:] for x in xs]).items():
        made[name] = rng.normal(0, 0.7, p.shape)
        if name.endswith("var"):
            made[name] = abs(made[name]) + 0.1
    return made


def assert_as_torch(layer, xs, function, backend, parameters=None):
    """function(*xs, **parameters) in PyTorch is y; autograd gives the gradients."""
    parameters = parameters_for(layer, xs) if parameters is None else parameters
    inputs = [tensor(x) for x in xs]
    weights = {name: tensor(value) for name, value in parameters.items()}
    y = function(*inputs, **weights)
    dy = np.random.default_rng(2).normal(size=tuple(y.shape))
    y.backward(torch.from_numpy(dy))
    result = run_layers([deepcopy(layer)], xs, dy, parameters, backend)
    assert_close(result.y, y, backend, "y")
    for k, (dx, x) in enumerate(zip(result.dxs, inputs, strict=True)):
        assert_close(dx, x.grad, backend, f"gradient of input {k}")
    for name, gradient in result.gradients.items():
        assert_close(gradient, weights[name].grad, backend, f"gradient of {name}")
    return result


def tensor(array):
    """float64, with a gradient."""
    return torch.tensor(np.asarray(array, np.float64), requires_grad=True)


def assert_close(ours, theirs, backend, what=""):
    ours, theirs = np.asarray(ours), theirs.detach().numpy()
    assert ours.dtype == DTYPES[backend] and ours.shape == theirs.shape, what
    scale = max(1.0, float(abs(theirs).max(initial=0)))
    np.testing.assert_allclose(ours, theirs, rtol=0, atol=TOLERANCES[backend] * scale, err_msg=what)
