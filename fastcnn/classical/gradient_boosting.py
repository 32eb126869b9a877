"""HistGradientBoostingClassifier: nodes of its trees, and what it begins with."""

from typing import Any

import numpy as np

from fastcnn.classical.stored import Arrays, Stored
from fastcnn.classical.trees import check_nodes, collect_nodes, restore_nodes
from fastcnn.errors import ModelFileError

# is_categorical is not among them and stays 0: categories are looked up through pointers.
FIELDS = (
    "value",
    "feature_idx",
    "num_threshold",
    "missing_go_to_left",
    "left",
    "right",
    "is_leaf",
)


def collect(estimator: Any) -> Arrays:
    trees = [tree.nodes for trees in estimator._predictors for tree in trees]
    nodes = collect_nodes(trees, FIELDS)
    return nodes | {"start": np.ravel(estimator._baseline_prediction)}


def restore(estimator: Any, stored: Stored) -> None:
    from sklearn.ensemble._hist_gradient_boosting.common import PREDICTOR_RECORD_DTYPE
    from sklearn.ensemble._hist_gradient_boosting.predictor import TreePredictor

    each = 1 if stored.classes == 2 else stored.classes  # trees of an iteration
    count = stored.arrays["node_counts"].size if "node_counts" in stored.arrays else 0
    if count % each:
        raise ModelFileError(f"{count} trees are no multiple of {each}, one for each class")
    trees = restore_nodes(stored, count, FIELDS, PREDICTOR_RECORD_DTYPE)
    for nodes in trees:
        children = (nodes["left"], nodes["right"])
        check_nodes(nodes["is_leaf"] != 0, *children, nodes["feature_idx"], stored.features)
    none = np.zeros((0, 8), np.uint32)  # bitsets of categories
    made = [TreePredictor(nodes, none, none) for nodes in trees]
    estimator._predictors = [made[k : k + each] for k in range(0, count, each)]
    estimator._baseline_prediction = stored.floats("start", each)[None]
    _complete(estimator, each, stored)


def _complete(estimator: Any, each: int, stored: Stored) -> None:
    """What scikit-learn needs besides to predict."""
    from sklearn.ensemble._hist_gradient_boosting.binning import _BinMapper

    estimator.n_trees_per_iteration_ = each
    estimator._loss = estimator._get_loss(sample_weight=None)
    estimator._preprocessor, estimator.is_categorical_ = None, None
    mapper = _BinMapper()
    mapper.is_categorical_ = np.zeros(stored.features, np.uint8)
    mapper.bin_thresholds_ = []
    estimator._bin_mapper = mapper
    estimator.classes_ = np.arange(stored.classes)
