"""Cross-entropy against probabilities."""

import numpy as np

from fastcnn.plugins.losses.sparse_categorical_crossentropy import Crossentropy
from fastcnn.plugins.registry import losses


@losses.register("categorical_crossentropy")
class CategoricalCrossentropy(Crossentropy):
    """loss = -sum over k of t[k] log p[k]; the mean over the batch is minimised.

    Targets are (N, K): one-hot or any probabilities. Options as in SparseCategoricalCrossentropy.
    """

    targets = "dense"
    name = "categorical_crossentropy"
    suffix = "_dense"

    def prepare(self, targets: np.ndarray) -> np.ndarray:
        """Targets with label smoothing."""
        return targets * (1 - self.label_smoothing) + self.label_smoothing / targets.shape[1]
