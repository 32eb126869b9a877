"""Weights of a PyTorch state dict for a model of the same layers in the same order."""

from itertools import groupby

import numpy as np

KIND = {
    "norm": {"weight": "gamma", "bias": "beta"},
    "other": {"weight": "kernel", "bias": "bias"},
}
KEPT = {"running_mean": "moving_mean", "running_var": "moving_var"}


def from_torch(state, model):
    """{fastcnn name: array}: the k-th module with weights is the k-th layer with weights."""
    modules = _modules(state)
    layers = [name for name, _ in groupby(_layer(key) for key in model.get_weights())]
    assert len(modules) == len(layers), f"{len(modules)} modules for {len(layers)} layers"
    return {
        f"{layer}/{name}": array
        for layer, module in zip(layers, modules, strict=True)
        for name, array in module.items()
    }


def _modules(state):
    """For each module with weights {fastcnn's parameter name: array}, in the order of the dict."""
    found = {}
    for key, array in state.items():
        module, _, name = key.rpartition(".")
        if name != "num_batches_tracked":
            found.setdefault(module, {})[name] = np.asarray(array)
    return [
        {
            (KIND["norm" if "running_mean" in arrays else "other"] | KEPT)[name]: array
            for name, array in arrays.items()
        }
        for arrays in found.values()
    ]


def _layer(key):
    return key.rpartition("/")[0]
