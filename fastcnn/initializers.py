"""Public face: every built-in initializer."""

from fastcnn.plugins.initializers.constant import Constant
from fastcnn.plugins.initializers.glorot_normal import GlorotNormal
from fastcnn.plugins.initializers.glorot_uniform import GlorotUniform
from fastcnn.plugins.initializers.he_normal import HeNormal
from fastcnn.plugins.initializers.he_uniform import HeUniform
from fastcnn.plugins.initializers.identity import Identity
from fastcnn.plugins.initializers.lecun_normal import LeCunNormal
from fastcnn.plugins.initializers.lecun_uniform import LeCunUniform
from fastcnn.plugins.initializers.normal import Normal
from fastcnn.plugins.initializers.ones import Ones
from fastcnn.plugins.initializers.orthogonal import Orthogonal
from fastcnn.plugins.initializers.truncated_normal import TruncatedNormal
from fastcnn.plugins.initializers.uniform import Uniform
from fastcnn.plugins.initializers.zeros import Zeros

__all__ = [
    "Constant",
    "GlorotNormal",
    "GlorotUniform",
    "HeNormal",
    "HeUniform",
    "Identity",
    "LeCunNormal",
    "LeCunUniform",
    "Normal",
    "Ones",
    "Orthogonal",
    "TruncatedNormal",
    "Uniform",
    "Zeros",
]
