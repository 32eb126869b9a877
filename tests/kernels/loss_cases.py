"""Random arguments for every loss of the table, and the options worth trying."""

import itertools

import numpy as np

from fastcnn.kernels.spec import OPS

LOSSES = [
    name
    for name, op in OPS.items()
    if {"predictions", "loss"} <= set(op.tensors) and op.python is None
]
VALUES = {  # of options, where the default does not say enough
    "label_smoothing": [0.0, 0.1],
    "from_logits": [0, 1],
    "apply_class_balancing": [0, 1],
    "delta": [1.0, 0.3],
    "margin": [1.0, 0.25],
    "alpha": [0.25],
    "gamma": [2.0, 1.0, 0.5, 0.0],
}
CASES = [
    (name, dict(zip(OPS[name].params, values, strict=True)))
    for name in LOSSES
    for values in itertools.product(*(VALUES[param] for param in OPS[name].params))
]
NEEDS_PROBABILITIES = ("cross_entropy", "cross_entropy_dense", "kl_divergence", "dice")


def takes_probabilities(name, params):
    """They clip what is none, or make no sense of it."""
    return name in NEEDS_PROBABILITIES or params.get("from_logits", 1) == 0


def takes_positive(name, params):
    return name in ("poisson", "mean_squared_logarithmic_error")


def loss_arrays(
    name, params, blocks, outputs, lanes, seed, dtype=np.float32, gradient=True, weighted=False
):
    """Random arguments by the names of the tensors, with lanes that hold no image."""
    rng = np.random.default_rng(seed)
    predictions = rng.normal(0, 3, (blocks, outputs, lanes))
    if takes_probabilities(name, params):
        predictions = 1 / (1 + np.exp(-predictions))
    if takes_positive(name, params):
        predictions = abs(predictions)
    targets = rng.dirichlet(np.ones(outputs), (blocks, lanes)).transpose(0, 2, 1)
    labels = rng.integers(0, outputs, (blocks, lanes))
    labels[-1, lanes - rng.integers(0, lanes + 1) :] = -1
    arrays = {
        "predictions": predictions.astype(dtype),
        "targets": np.ascontiguousarray(targets, dtype),
        "labels": labels,
        "order": labels,
        "weight": rng.uniform(0, 2, (blocks, lanes)).astype(dtype) if weighted else None,
        "loss": np.empty((blocks, lanes), dtype),
        "dpredictions": np.empty(predictions.shape, dtype) if gradient else None,
    }
    return {tensor: arrays[tensor] for tensor in OPS[name].tensors}


def images_of(arrays):
    """Which lanes hold images."""
    return arrays.get("order", arrays.get("labels")) >= 0
