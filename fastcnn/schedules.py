"""Public face: the base class of schedules, and every built-in one."""

from fastcnn.engine.schedule import Schedule
from fastcnn.plugins.schedules.constant import Constant
from fastcnn.plugins.schedules.cosine import CosineDecay
from fastcnn.plugins.schedules.cosine_restarts import CosineDecayRestarts
from fastcnn.plugins.schedules.exponential import ExponentialDecay
from fastcnn.plugins.schedules.inverse_time import InverseTimeDecay
from fastcnn.plugins.schedules.one_cycle import OneCycle
from fastcnn.plugins.schedules.piecewise import PiecewiseConstantDecay
from fastcnn.plugins.schedules.polynomial import PolynomialDecay
from fastcnn.plugins.schedules.step import StepDecay
from fastcnn.plugins.schedules.triangular import Triangular
from fastcnn.plugins.schedules.warmup import WarmUp

__all__ = [
    "Constant",
    "CosineDecay",
    "CosineDecayRestarts",
    "ExponentialDecay",
    "InverseTimeDecay",
    "OneCycle",
    "PiecewiseConstantDecay",
    "PolynomialDecay",
    "Schedule",
    "StepDecay",
    "Triangular",
    "WarmUp",
]
