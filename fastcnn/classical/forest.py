"""Random forests whose results do not depend on threads; kept as nodes and shares of classes."""

from typing import Any

import numpy as np
from sklearn.ensemble import RandomForestClassifier
from sklearn.tree import DecisionTreeClassifier
from sklearn.tree._tree import NODE_DTYPE, Tree

from fastcnn.classical.stored import Arrays, Stored
from fastcnn.classical.trees import check_nodes, collect_nodes, restore_nodes

FIELDS = ("left_child", "right_child", "feature", "threshold", "missing_go_to_left")
LEAF = -1


class OrderedForest(RandomForestClassifier):
    """scikit-learn's adds up the shares of its trees in the order in which threads end."""

    def predict_proba(self, X: Any) -> np.ndarray:
        """(n, classes): the mean of all trees, summed in their order."""
        rows = self._validate_X_predict(X)
        shares = np.zeros((len(rows), self.n_classes_))
        for tree in self.estimators_:
            shares += tree.predict_proba(rows, check_input=False)
        return shares / len(self.estimators_)

    def to_arrays(self) -> Arrays:
        trees = [tree.tree_ for tree in self.estimators_]
        nodes = collect_nodes([tree.__getstate__()["nodes"] for tree in trees], FIELDS)
        leaf = nodes["nodes/left_child"] == LEAF
        # scikit-learn marks leaves by negative numbers; in files they are 0.
        for field in FIELDS[:3]:
            nodes[f"nodes/{field}"] = np.where(leaf, 0, nodes[f"nodes/{field}"]).astype(np.int32)
        return nodes | {"values": np.concatenate([tree.value[:, 0, :] for tree in trees])}

    def from_arrays(self, stored: Stored) -> None:
        trees = restore_nodes(stored, self.n_estimators, FIELDS, NODE_DTYPE)
        ends = np.cumsum([len(nodes) for nodes in trees])
        values = np.split(stored.floats("values", int(ends[-1]), stored.classes), ends[:-1])
        for name, value in _shapes(stored).items():
            setattr(self, name, value)
        pairs = zip(trees, values, strict=True)
        self.estimators_ = [_tree(nodes, shares, stored) for nodes, shares in pairs]


def _shapes(stored: Stored) -> dict[str, Any]:
    return {
        "n_features_in_": stored.features,
        "n_outputs_": 1,
        "n_classes_": stored.classes,
        "classes_": np.arange(stored.classes),
    }


def _tree(nodes: np.ndarray, shares: np.ndarray, stored: Stored) -> Any:
    leaf = nodes["left_child"] == 0  # the root is nobody's child
    children = (nodes["left_child"], nodes["right_child"])
    check_nodes(leaf, *children, nodes["feature"], stored.features)
    for field in children:
        field[leaf] = LEAF
    tree = DecisionTreeClassifier()
    for name, value in _shapes(stored).items():
        setattr(tree, name, value)
    tree.tree_ = Tree(stored.features, np.array([stored.classes], np.intp), 1)
    values = np.ascontiguousarray(shares[:, None, :])
    state = {"max_depth": len(nodes), "node_count": len(nodes), "nodes": nodes, "values": values}
    tree.tree_.__setstate__(state)
    return tree
