"""Cross-entropy against probabilities."""

from fastcnn.plugins.losses.sparse_categorical_crossentropy import SparseCategoricalCrossentropy
from fastcnn.plugins.registry import losses


@losses.register("categorical_crossentropy")
class CategoricalCrossentropy(SparseCategoricalCrossentropy):
    """loss = -sum over k of t[k] log p[k]

    Targets are (N, K), one-hot or any probabilities, or class numbers (N,). label_smoothing s: the
    target is (1 - s) t + s / K. p and from_logits as in sparse_categorical_crossentropy.
    """

    targets = "dense"
    suffix = "_dense"
