"""Other weights in the place of those of training, which stay aside until training goes on."""

from typing import Any

import numpy as np


def swap_in(model: Any, weights: dict[str, np.ndarray]) -> None:
    """Let the model use these; a checkpoint holds both, and `fit` goes on with those of training.

    Weights of a training that diverged are not kept aside: nothing can go on from them.
    """
    if model.training_weights is None and np.isfinite(model.store.snapshot()).all():
        model.training_weights = model.store.copies()
    model.store.load(weights)


def swap_back(model: Any) -> None:
    """Go on with the weights of training."""
    if model.training_weights is not None:
        model.store.load(model.training_weights)
        model.training_weights = None
