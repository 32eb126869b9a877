"""Optimizers and gradient clipping against PyTorch, over several steps.

PyTorch adds epsilon to sqrt(v), Keras and we add it inside the root or before Adam's correction:
epsilon is next to nothing where that differs. Weight decay is for kernels alone here.
"""

import numpy as np
import pytest

from fastcnn import Sequential, optimizers
from fastcnn import layers as L
from tests.plugins.test_optimizers import gradients_for, new_store, run_steps
from tests.run_layers import DTYPES
from tests.torch.against import BACKENDS, needs_torch, tensor, torch

pytestmark = needs_torch
EXACT = {"epsilon": 1e-30}
TORCH_EXACT = {"eps": 1e-30}
RATE = {"learning_rate": 0.05}
BETAS = {"beta_1": 0.8, "beta_2": 0.95}
TABLE = [  # name, options, class of torch.optim, its options
    ("sgd", {}, "SGD", {"lr": 0.01}),
    ("sgd", RATE | {"momentum": 0.9}, "SGD", {"lr": 0.05, "momentum": 0.9}),
    (
        "sgd",
        RATE | {"momentum": 0.9, "nesterov": True},
        "SGD",
        {"lr": 0.05, "momentum": 0.9, "nesterov": True},
    ),
    ("adam", EXACT, "Adam", {"lr": 0.001, **TORCH_EXACT}),
    ("adam", RATE | BETAS | EXACT, "Adam", {"lr": 0.05, "betas": (0.8, 0.95), **TORCH_EXACT}),
    (
        "adam",
        EXACT | {"amsgrad": True, "beta_2": 0.5},
        "Adam",
        {"amsgrad": True, "betas": (0.9, 0.5), **TORCH_EXACT},
    ),
    ("amsgrad", EXACT | BETAS, "Adam", {"amsgrad": True, "betas": (0.8, 0.95), **TORCH_EXACT}),
    ("adamw", EXACT, "AdamW", {"lr": 0.001, "weight_decay": 0.004, **TORCH_EXACT}),
    (
        "adamw",
        EXACT | RATE | {"weight_decay": 0.1},
        "AdamW",
        {"lr": 0.05, "weight_decay": 0.1, **TORCH_EXACT},
    ),
    ("adamax", EXACT, "Adamax", {"lr": 0.001, **TORCH_EXACT}),
    ("adamax", EXACT | RATE | BETAS, "Adamax", {"lr": 0.05, "betas": (0.8, 0.95), **TORCH_EXACT}),
    ("nadam", {"epsilon": 1e-8, "momentum_decay": 0.004}, "NAdam", {"lr": 0.001}),
    (
        "nadam",
        RATE | BETAS,
        "NAdam",
        {"lr": 0.05, "betas": (0.8, 0.95), "eps": 1e-7, "momentum_decay": 1.0},
    ),
    ("radam", {}, "RAdam", {"lr": 0.001}),
    ("radam", RATE | BETAS, "RAdam", {"lr": 0.05, "betas": (0.8, 0.95)}),
    ("rmsprop", EXACT | {"rho": 0.99, "learning_rate": 0.01}, "RMSprop", TORCH_EXACT),
    (
        "rmsprop",
        EXACT | {"momentum": 0.9},
        "RMSprop",
        {"lr": 0.001, "alpha": 0.9, "momentum": 0.9, **TORCH_EXACT},
    ),
    ("windowgrad", EXACT, "RMSprop", {"lr": 0.01, "alpha": 0.95, **TORCH_EXACT}),
    ("adagrad", EXACT, "Adagrad", {"initial_accumulator_value": 0.1, **TORCH_EXACT}),
    (
        "adagrad",
        EXACT | RATE | {"initial_accumulator_value": 0.0},
        "Adagrad",
        {"lr": 0.05, **TORCH_EXACT},
    ),
    ("adadelta", {}, "Adadelta", {"rho": 0.95, "eps": 1e-7}),
    ("adadelta", {"rho": 0.9, "epsilon": 1e-6, "learning_rate": 0.5}, "Adadelta", {"lr": 0.5}),
]
STEPS = 20
TOLERANCES = {"reference": 1e-12, "native": 5e-6}


@pytest.fixture(autouse=True)
def float64_by_default():
    """Otherwise PyTorch's NAdam keeps the product of its momenta in float32."""
    before = torch.get_default_dtype()
    torch.set_default_dtype(torch.float64)
    yield
    torch.set_default_dtype(before)


def torch_steps(store, gradients, name, options, before_step=lambda parameters: None):
    """Parameters after each step, in the order of the store, without its gaps."""
    values = {key: tensor(store.value(key)) for key in store.trainable}
    decayed = [key for key in values if store.specs[key].decay]
    groups = [
        {"params": [values[key] for key in decayed]},
        {"params": [values[key] for key in values if key not in decayed], "weight_decay": 0.0},
    ]
    optimizer = getattr(torch.optim, name)(groups, **options)
    steps = []
    for gradient in gradients:
        for key, start in zip(store.trainable, store.bounds, strict=False):
            size = values[key].numel()
            piece = gradient[start : start + size].reshape(values[key].shape)
            values[key].grad = torch.tensor(piece, dtype=torch.float64)
        before_step(values.values())
        optimizer.step()
        steps.append({key: value.detach().numpy().copy() for key, value in values.items()})
    return steps


def assert_same_steps(ours, theirs, store, tolerance):
    for mine, yours in zip(ours, theirs, strict=True):
        for key, start in zip(store.trainable, store.bounds, strict=False):
            piece = mine[start : start + yours[key].size].reshape(yours[key].shape)
            np.testing.assert_allclose(piece, yours[key], rtol=0, atol=tolerance, err_msg=key)


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize(("name", "options", "theirs", "torch_options"), TABLE)
def test_parameters_after_each_step(name, options, theirs, torch_options, backend):
    store = new_store(DTYPES[backend])
    gradients = gradients_for(store, STEPS)
    expected = torch_steps(store, gradients, theirs, torch_options)
    ours = run_steps({"name": name, **options}, gradients, store, backend)
    assert_same_steps(ours, expected, store, TOLERANCES[backend])


def each_norm(parameters):
    for p in parameters:
        torch.nn.utils.clip_grad_norm_([p], 0.7)


CLIPS = [  # PyTorch divides by the norm + 1e-6
    ({"clipvalue": 0.7}, lambda parameters: torch.nn.utils.clip_grad_value_(parameters, 0.7)),
    ({"clipnorm": 0.7}, each_norm),
    ({"global_clipnorm": 0.7}, lambda parameters: torch.nn.utils.clip_grad_norm_(parameters, 0.7)),
]


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize(("options", "clip"), CLIPS, ids=[str(options) for options, _ in CLIPS])
def test_clipped_gradients(options, clip, backend):
    store = new_store(DTYPES[backend])
    gradients = gradients_for(store, STEPS) * np.linspace(0.01, 3, STEPS)[:, None]
    gradients = gradients.astype(store.dtype)
    expected = torch_steps(store, gradients, "SGD", {"lr": 0.1}, clip)
    ours = run_steps({"name": "sgd", "learning_rate": 0.1, **options}, gradients, store, backend)
    assert_same_steps(ours, expected, store, 2e-5)


@pytest.mark.parametrize("backend", BACKENDS)
def test_weight_decay_of_pytorchs_sgd_is_an_l2_penalty(backend):
    """It is added to the gradient: a regularizer here, whose slope is 2 l2 w."""
    layer = L.Dense(3, kernel_regularizer={"name": "l2", "l2": 0.05})
    store = new_store(DTYPES[backend], layer)
    gradients = gradients_for(store, STEPS)
    options = {"lr": 0.1, "momentum": 0.9, "weight_decay": 0.1}
    expected = torch_steps(store, gradients, "SGD", options)
    ours = {"name": "sgd", "learning_rate": 0.1, "momentum": 0.9}
    assert_same_steps(
        run_steps(ours, gradients, store, backend), expected, store, TOLERANCES[backend]
    )


def test_lbfgs_finds_the_same_minimum():
    """Its line search is not PyTorch's, so steps differ; a convex loss has one minimum."""
    rng = np.random.default_rng(0)
    x, labels = rng.normal(size=(40, 1, 1, 3)).astype(np.float32), rng.integers(0, 3, 40)
    penalty = {"name": "l2", "l2": 0.05}
    dense = L.Dense(3, use_bias=False, kernel_regularizer=penalty)
    model = Sequential([L.Flatten(), dense], seed=1)
    loss = {"name": "sparse_categorical_crossentropy", "from_logits": True}
    model.compile(optimizers.LBFGS(), loss)
    model.fit(x, labels, batch_size=40, epochs=30, verbose=0)

    kernel = torch.zeros(3, 3, dtype=torch.float64, requires_grad=True)
    optimizer = torch.optim.LBFGS([kernel], max_iter=100, line_search_fn="strong_wolfe")

    def closure():
        optimizer.zero_grad()
        y = torch.from_numpy(x.reshape(40, 3)).to(torch.float64) @ kernel.T
        value = torch.nn.functional.cross_entropy(y, torch.from_numpy(labels))
        value = value + 0.05 * (kernel**2).sum()
        value.backward()
        return value

    optimizer.step(closure)
    weights = model.store.value("dense/kernel")
    np.testing.assert_allclose(weights, kernel.detach().numpy(), atol=2e-4)
