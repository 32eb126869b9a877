"""MLPClassifier: weights and biases of its layers."""

from typing import Any

import numpy as np

from fastcnn.classical.stored import Arrays, Stored


def collect(estimator: Any) -> Arrays:
    weights = {f"weights_{k}": array for k, array in enumerate(estimator.coefs_)}
    return weights | {f"bias_{k}": array for k, array in enumerate(estimator.intercepts_)}


def restore(estimator: Any, stored: Stored) -> None:
    from sklearn.preprocessing import LabelBinarizer

    outputs = 1 if stored.classes == 2 else stored.classes
    sizes = [stored.features, *np.ravel(estimator.hidden_layer_sizes).tolist(), outputs]
    layers = range(len(sizes) - 1)
    kind = stored.dtype("weights_0")
    estimator.coefs_ = [
        stored.floats(f"weights_{k}", sizes[k], sizes[k + 1]).astype(kind) for k in layers
    ]
    estimator.intercepts_ = [stored.floats(f"bias_{k}", sizes[k + 1]).astype(kind) for k in layers]
    estimator.n_layers_, estimator.n_outputs_ = len(sizes), outputs
    estimator.out_activation_ = "logistic" if outputs == 1 else "softmax"
    estimator._label_binarizer = LabelBinarizer().fit(np.arange(stored.classes))
    estimator.classes_ = np.arange(stored.classes)
