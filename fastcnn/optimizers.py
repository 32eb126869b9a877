"""Public face: every built-in optimizer."""

from fastcnn.plugins.optimizers.adadelta import Adadelta
from fastcnn.plugins.optimizers.adagrad import Adagrad
from fastcnn.plugins.optimizers.adam import Adam
from fastcnn.plugins.optimizers.adamax import Adamax
from fastcnn.plugins.optimizers.adamw import AdamW
from fastcnn.plugins.optimizers.amsgrad import AMSGrad
from fastcnn.plugins.optimizers.lars import LARS
from fastcnn.plugins.optimizers.lbfgs import LBFGS
from fastcnn.plugins.optimizers.lion import Lion
from fastcnn.plugins.optimizers.nadam import Nadam
from fastcnn.plugins.optimizers.radam import RAdam
from fastcnn.plugins.optimizers.rmsprop import RMSprop
from fastcnn.plugins.optimizers.sgd import SGD
from fastcnn.plugins.optimizers.windowgrad import Windowgrad

__all__ = [
    "LARS",
    "LBFGS",
    "SGD",
    "AMSGrad",
    "Adadelta",
    "Adagrad",
    "Adam",
    "AdamW",
    "Adamax",
    "Lion",
    "Nadam",
    "RAdam",
    "RMSprop",
    "Windowgrad",
]
