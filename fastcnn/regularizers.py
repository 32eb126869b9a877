"""Public face: every built-in penalty."""

from fastcnn.plugins.regularizers.l1 import L1
from fastcnn.plugins.regularizers.l1l2 import L1L2
from fastcnn.plugins.regularizers.l2 import L2

__all__ = [
    "L1",
    "L1L2",
    "L2",
]
