"""Outputs of a model for X of scikit-learn's methods."""

from typing import Any

import numpy as np

from fastcnn.features.threads import threads_of
from fastcnn.model import Model

FEWEST = 9  # samples in a batch: smaller ones are computed in another order


def predict_outputs(model: Model, samples: np.ndarray, n_jobs: Any = None) -> list[np.ndarray]:
    """(n, ...) of each output; the numbers of a sample do not depend on the others, to the bit."""
    model.threads = threads_of(n_jobs)
    count = len(samples)
    if count < FEWEST:
        samples = np.resize(samples, (FEWEST, *samples.shape[1:]))
    outputs = model.predict(samples)
    return [out[:count] for out in (outputs if isinstance(outputs, list) else [outputs])]
