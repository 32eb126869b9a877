"""Public face: every built-in optimizer."""

from fastcnn.plugins.optimizers.adadelta import Adadelta
from fastcnn.plugins.optimizers.adagrad import Adagrad
from fastcnn.plugins.optimizers.adam import Adam
from fastcnn.plugins.optimizers.rmsprop import RMSprop
from fastcnn.plugins.optimizers.sgd import SGD

__all__ = ["SGD", "Adadelta", "Adagrad", "Adam", "RMSprop"]
