"""Public face: every built-in activation, and the base for own ones."""

from fastcnn.engine.activation import Elementwise
from fastcnn.plugins.activations.elu import ELU
from fastcnn.plugins.activations.gelu import GELU
from fastcnn.plugins.activations.gelu_tanh import GELUTanh
from fastcnn.plugins.activations.hard_sigmoid import HardSigmoid
from fastcnn.plugins.activations.leaky_relu import LeakyReLU
from fastcnn.plugins.activations.linear import Linear
from fastcnn.plugins.activations.log_softmax import LogSoftmax
from fastcnn.plugins.activations.mish import Mish
from fastcnn.plugins.activations.relu import ReLU
from fastcnn.plugins.activations.relu6 import ReLU6
from fastcnn.plugins.activations.selu import SELU
from fastcnn.plugins.activations.sigmoid import Sigmoid
from fastcnn.plugins.activations.silu import SiLU
from fastcnn.plugins.activations.softmax import Softmax
from fastcnn.plugins.activations.softplus import Softplus
from fastcnn.plugins.activations.softsign import Softsign
from fastcnn.plugins.activations.swish import Swish
from fastcnn.plugins.activations.tanh import Tanh
from fastcnn.plugins.activations.threshold import Threshold

__all__ = [
    "ELU",
    "GELU",
    "SELU",
    "Elementwise",
    "GELUTanh",
    "HardSigmoid",
    "LeakyReLU",
    "Linear",
    "LogSoftmax",
    "Mish",
    "ReLU",
    "ReLU6",
    "SiLU",
    "Sigmoid",
    "Softmax",
    "Softplus",
    "Softsign",
    "Swish",
    "Tanh",
    "Threshold",
]
