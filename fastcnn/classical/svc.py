"""SVC: support vectors, their coefficients for each pair of classes, and intercepts.

libsvm reads these through pointers, so their sizes must fit each other.
"""

from typing import Any

import numpy as np

from fastcnn.classical.stored import Arrays, Stored, compact
from fastcnn.errors import ModelFileError


def collect(estimator: Any) -> Arrays:
    return {
        "support_vectors": compact(estimator.support_vectors_),
        "support": estimator.support_,
        "n_support": estimator._n_support,
        "dual_coef": estimator._dual_coef_,
        "intercept": estimator._intercept_,
        "gamma": np.array([estimator._gamma], np.float64),
    }


def restore(estimator: Any, stored: Stored) -> None:
    classes = stored.classes
    vectors = stored.floats("support_vectors", None, stored.features)
    counts = stored.integers("n_support", classes)
    if counts.sum() != len(vectors):
        raise ModelFileError(f"n_support adds up to {counts.sum()}, not to {len(vectors)} vectors")
    estimator.support_vectors_ = vectors
    estimator.support_ = stored.integers("support", len(vectors)).astype(np.int32)
    estimator._n_support = counts.astype(np.int32)
    estimator._dual_coef_ = stored.floats("dual_coef", classes - 1, len(vectors))
    estimator._intercept_ = stored.floats("intercept", classes * (classes - 1) // 2)
    estimator._gamma = float(stored.floats("gamma", 1)[0])
    sign = -1 if classes == 2 else 1  # of what users see, in scikit-learn
    estimator.dual_coef_ = sign * estimator._dual_coef_
    estimator.intercept_ = sign * estimator._intercept_
    estimator._probA = estimator._probB = np.empty(0)
    estimator._sparse, estimator._effective_probability = False, False
    estimator.fit_status_, estimator.shape_fit_ = 0, vectors.shape
    estimator.classes_ = np.arange(classes)
