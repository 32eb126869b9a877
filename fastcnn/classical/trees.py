"""Nodes of binary trees as plain arrays, one tree after the other.

What walks down these trees in C trusts them: a child comes after its parent and lies in the same
tree, so every walk ends; and the features that nodes ask for exist.
"""

from collections.abc import Sequence

import numpy as np

from fastcnn.classical.stored import Arrays, Stored
from fastcnn.errors import ModelFileError


def collect_nodes(trees: Sequence[np.ndarray], fields: Sequence[str]) -> Arrays:
    """{"nodes/<field>": ...} of structured arrays, and how many nodes each tree has."""
    nodes = np.concatenate([np.asarray(tree) for tree in trees])
    counts = np.array([len(tree) for tree in trees], np.int32)
    return {f"nodes/{field}": nodes[field] for field in fields} | {"node_counts": counts}


def restore_nodes(
    stored: Stored, trees: int, fields: Sequence[str], dtype: np.dtype
) -> list[np.ndarray]:
    """The structured arrays of so many trees, zero but for these fields; not checked yet."""
    counts = stored.integers("node_counts", trees, low=1)
    nodes = np.zeros(int(stored.arrays["nodes/" + fields[0]].size), dtype)
    if counts.sum() != len(nodes):
        raise ModelFileError(f"node_counts adds up to {counts.sum()}, not to {len(nodes)} nodes")
    for field in fields:
        kind = dtype[field]
        if kind.kind == "f":
            nodes[field] = stored.floats(f"nodes/{field}", len(nodes))
        else:
            high = min(2**31, np.iinfo(kind).max + 1)
            nodes[field] = stored.integers(f"nodes/{field}", len(nodes), high=high)
    return np.split(nodes, np.cumsum(counts)[:-1])


def check_nodes(
    leaf: np.ndarray, left: np.ndarray, right: np.ndarray, feature: np.ndarray, features: int
) -> None:
    """Of one tree: which nodes are leaves, and the children and feature of the others."""
    inner = np.flatnonzero(~leaf)
    for children in (left[inner], right[inner]):
        if not ((inner < children) & (children < len(leaf))).all():
            raise ModelFileError("a tree has children that are before their parent, or outside")
    if not ((feature[inner] >= 0) & (feature[inner] < features)).all():
        raise ModelFileError(f"a tree asks for features beyond the {features} that there are")
