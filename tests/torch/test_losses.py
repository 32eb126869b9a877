"""Every loss against PyTorch: the loss of each sample, and the gradient of its (weighted) mean.

What PyTorch has no function for is written with its functions, so that autograd proves the
gradient. Keras' mean of weighted losses divides by the number of samples, PyTorch's by the sum of
weights: sums are compared.
"""

import numpy as np
import pytest

from fastcnn import Sequential
from fastcnn import layers as L
from fastcnn.plugins.registry import losses, make
from tests.run_layers import run_loss
from tests.torch.against import BACKENDS, TOLERANCES, F, needs_torch, tensor, torch

pytestmark = needs_torch
N, K = 6, 5
CLIP = 1e-7


def each(function, **options):
    """Means over the outputs of a function of PyTorch that has a reduction."""
    return lambda y, t: getattr(F, function)(y, t, reduction="none", **options).mean(1)


def entropy(y, t, **options):
    return F.cross_entropy(y, t, reduction="none", **options)


def of_probabilities(y, t, **options):
    """softmax(log p) = p, of outputs divided by their sum."""
    return entropy(torch.log(y / y.sum(1, keepdim=True)), t, **options)


def binary(y, t, smoothing=0.0, logits=False):
    name = "binary_cross_entropy" + "_with_logits" * logits
    return getattr(F, name)(y, (1 - smoothing) * t + smoothing / 2, reduction="none")


def binary_focal(y, t, gamma=2.0, logits=False, smoothing=0.0, balance=None):
    p, t = torch.sigmoid(y) if logits else y, (1 - smoothing) * t + smoothing / 2
    factor = 1 if balance is None else t * balance + (1 - t) * (1 - balance)
    miss = t * (1 - p) + (1 - t) * p
    return (factor * miss**gamma * binary(y, t, logits=logits)).mean(1)


def focal(y, t, alpha=0.25, gamma=2.0, logits=False, smoothing=0.0):
    p = F.softmax(y, 1) if logits else y / y.sum(1, keepdim=True)
    t = (1 - smoothing) * t + smoothing / K
    return -(alpha * t * (1 - p) ** gamma * torch.log(p)).sum(1)


def percentage(y, t):
    return 100 * ((y - t).abs() / t.abs().clamp(min=CLIP)).mean(1)


def squared_logarithmic(y, t):
    return F.mse_loss(torch.log1p(y), torch.log1p(t), reduction="none").mean(1)


def divergence(y, t):
    return F.kl_div(torch.log(y), t, reduction="none").sum(1)


def dice(y, t):
    return 1 - 2 * (y * t).sum(1) / (y.sum(1) + t.sum(1) + CLIP)


def hinge(y, t):
    zero = torch.zeros_like(y)
    return F.margin_ranking_loss(y, zero, t, margin=1, reduction="none").mean(1)


def categorical_hinge(y, t):
    return F.relu(1 + ((1 - t) * y).amax(1) - (t * y).sum(1))


def multi_class_hinge(y, t, margin=1.0):
    """PyTorch divides by the number of classes."""
    return K * F.multi_margin_loss(y, t, margin=margin, reduction="none")


# What outputs and targets may be.
SCORES, POSITIVE, PROBABILITIES, SIDES, ONE_HOT, LABELS = range(6)


def numbers(kind, seed):
    rng = np.random.default_rng(seed)
    return {
        SCORES: rng.normal(0, 2, (N, K)),
        POSITIVE: rng.uniform(0.1, 4, (N, K)),
        PROBABILITIES: rng.dirichlet(np.full(K, 2.0), N),
        SIDES: rng.choice([-1.0, 1.0], (N, K)),
        ONE_HOT: np.eye(K)[rng.integers(0, K, N)],
        LABELS: rng.integers(0, K, N),
    }[kind]


LOGITS, SMOOTH = {"from_logits": True}, {"label_smoothing": 0.2}
NORMAL, ENTROPY = (PROBABILITIES, of_probabilities), (SCORES, entropy)
TABLE = {  # name: [(options, outputs, targets, the same in PyTorch)]
    "mean_squared_error": [({}, SCORES, SCORES, each("mse_loss"))],
    "mean_absolute_error": [({}, SCORES, SCORES, each("l1_loss"))],
    "mean_absolute_percentage_error": [({}, SCORES, SCORES, percentage)],
    "mean_squared_logarithmic_error": [({}, POSITIVE, POSITIVE, squared_logarithmic)],
    "huber": [
        ({}, SCORES, SCORES, each("huber_loss")),
        ({}, SCORES, SCORES, each("smooth_l1_loss")),
        ({"delta": 0.4}, SCORES, SCORES, each("huber_loss", delta=0.4)),
    ],
    "log_cosh": [({}, SCORES, SCORES, lambda y, t: torch.log(torch.cosh(y - t)).mean(1))],
    "poisson": [({}, POSITIVE, POSITIVE, each("poisson_nll_loss", log_input=False, eps=CLIP))],
    "kl_divergence": [({}, PROBABILITIES, PROBABILITIES, divergence)],
    "cosine_similarity": [
        ({}, SCORES, SCORES, lambda y, t: -F.cosine_similarity(y, t, eps=CLIP)),
    ],
    "dice": [
        ({}, PROBABILITIES, ONE_HOT, dice),
        ({}, PROBABILITIES, PROBABILITIES, dice),
    ],
    "hinge": [({}, SCORES, SIDES, hinge)],
    "squared_hinge": [({}, SCORES, SIDES, lambda y, t: (F.relu(1 - t * y) ** 2).mean(1))],
    "categorical_hinge": [({}, SCORES, ONE_HOT, categorical_hinge)],
    "multi_class_hinge": [
        ({}, SCORES, LABELS, multi_class_hinge),
        ({"margin": 0.3}, SCORES, LABELS, lambda y, t: multi_class_hinge(y, t, 0.3)),
    ],
    "sparse_categorical_crossentropy": [
        ({}, PROBABILITIES, LABELS, of_probabilities),
        ({}, POSITIVE, LABELS, of_probabilities),
        (LOGITS, SCORES, LABELS, entropy),
        (SMOOTH, PROBABILITIES, LABELS, lambda y, t: of_probabilities(y, t, label_smoothing=0.2)),
        (LOGITS | SMOOTH, SCORES, LABELS, lambda y, t: entropy(y, t, label_smoothing=0.2)),
    ],
    "categorical_crossentropy": [
        ({}, PROBABILITIES, PROBABILITIES, of_probabilities),
        (LOGITS, SCORES, ONE_HOT, entropy),
        (LOGITS, SCORES, PROBABILITIES, entropy),
        (SMOOTH, PROBABILITIES, ONE_HOT, lambda y, t: of_probabilities(y, t, label_smoothing=0.2)),
        (LOGITS | SMOOTH, SCORES, PROBABILITIES, lambda y, t: entropy(y, t, label_smoothing=0.2)),
    ],
    "categorical_focal_crossentropy": [
        ({}, PROBABILITIES, ONE_HOT, focal),
        (
            {"alpha": 0.5, "gamma": 1.5, **LOGITS, **SMOOTH},
            SCORES,
            PROBABILITIES,
            lambda y, t: focal(y, t, 0.5, 1.5, logits=True, smoothing=0.2),
        ),
    ],
    "binary_crossentropy": [
        ({}, PROBABILITIES, ONE_HOT, lambda y, t: binary(y, t).mean(1)),
        (LOGITS, SCORES, PROBABILITIES, lambda y, t: binary(y, t, logits=True).mean(1)),
        (SMOOTH, PROBABILITIES, ONE_HOT, lambda y, t: binary(y, t, 0.2).mean(1)),
        (LOGITS | SMOOTH, SCORES, ONE_HOT, lambda y, t: binary(y, t, 0.2, True).mean(1)),
    ],
    "binary_focal_crossentropy": [
        ({}, PROBABILITIES, ONE_HOT, binary_focal),
        ({"gamma": 1.5, **LOGITS}, SCORES, ONE_HOT, lambda y, t: binary_focal(y, t, 1.5, True)),
        (
            {"apply_class_balancing": True, "alpha": 0.3, **SMOOTH},
            PROBABILITIES,
            ONE_HOT,
            lambda y, t: binary_focal(y, t, smoothing=0.2, balance=0.3),
        ),
    ],
}
CASES = [
    pytest.param(name, *row, id=f"{name}-{row[0]}-{k}")
    for name, rows in TABLE.items()
    for k, row in enumerate(rows)
]
EVERY_CASE = pytest.mark.parametrize(("name", "options", "outputs", "targets", "function"), CASES)


def assert_as_torch(loss, y, t, weights, function, backend):
    leaf = tensor(y)
    expected = function(leaf, torch.from_numpy(t))
    factors = torch.ones(len(y)) if weights is None else torch.from_numpy(weights)
    expected = factors * expected
    (expected.sum() / len(y)).backward()
    ours, dy = run_loss(loss, y, t, weights, backend)
    for a, b in ((ours, expected.detach().numpy()), (dy, leaf.grad.numpy())):
        scale = max(1.0, float(abs(b).max()))
        np.testing.assert_allclose(a, b, rtol=0, atol=TOLERANCES[backend] * scale)


@pytest.mark.parametrize("backend", BACKENDS)
@EVERY_CASE
def test_losses_and_gradients(name, options, outputs, targets, function, backend):
    loss = make(losses, {"name": name, **options})
    y, t = numbers(outputs, 0), numbers(targets, 1)
    assert_as_torch(loss, y, t, None, function, backend)


@pytest.mark.parametrize("backend", BACKENDS)
@EVERY_CASE
def test_weighted_samples(name, options, outputs, targets, function, backend):
    loss = make(losses, {"name": name, **options})
    y, t = numbers(outputs, 2), numbers(targets, 3)
    weights = np.random.default_rng(4).uniform(0, 3, N)
    assert_as_torch(loss, y, t, weights, function, backend)


@pytest.mark.parametrize("smoothing", [0.0, 0.1])
def test_class_weights_in_training(smoothing):
    """One step of SGD. With label smoothing PyTorch weighs each class's part of the target."""
    rng = np.random.default_rng(0)
    x, labels = rng.normal(size=(N, 1, 1, 4)).astype(np.float32), rng.integers(0, 3, N)
    weights = {0: 0.5, 1: 2.0, 2: 3.5}
    model = Sequential([L.Flatten(), L.Dense(3)], seed=1)
    model.build(x.shape[1:])
    kernel = tensor(model.store.value("dense/kernel"))
    options = {"from_logits": True, "label_smoothing": smoothing}
    model.compile(
        {"name": "sgd", "learning_rate": 0.5},
        {"name": "sparse_categorical_crossentropy", **options},
    )
    model.fit(x, labels, class_weight=weights, epochs=1, batch_size=N, verbose=0)
    y = torch.from_numpy(x.reshape(N, 4).astype(np.float64)) @ kernel.T
    factors = torch.tensor([weights[k] for k in labels])
    each_loss = entropy(y, torch.from_numpy(labels), label_smoothing=smoothing)
    (factors * each_loss).mean().backward()
    if smoothing == 0:
        table = torch.tensor(list(weights.values()), dtype=torch.float64)
        own = F.cross_entropy(y, torch.from_numpy(labels), table, reduction="sum") / N
        torch.testing.assert_close(own, (factors * each_loss).mean())
    expected = (kernel - 0.5 * kernel.grad).detach().numpy()
    np.testing.assert_allclose(model.store.value("dense/kernel"), expected, atol=1e-6)
