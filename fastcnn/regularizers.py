"""Public face: the base class of regularizers, and every built-in one."""

from fastcnn.engine.regularizer import Regularizer
from fastcnn.plugins.regularizers.l1 import L1
from fastcnn.plugins.regularizers.l1l2 import L1L2
from fastcnn.plugins.regularizers.l2 import L2
from fastcnn.plugins.regularizers.orthogonal import Orthogonal

__all__ = [
    "L1",
    "L1L2",
    "L2",
    "Orthogonal",
    "Regularizer",
]
