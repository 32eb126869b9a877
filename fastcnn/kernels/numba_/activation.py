"""Activations as kernels of their own."""

from fastcnn.kernels.numba_.activation_math import (
    activate,
    activate_backward,
    activate_input_backward,
)
from fastcnn.kernels.numba_.helper import helper
from fastcnn.kernels.numba_.rows import each_pair, each_vector
from fastcnn.kernels.numba_.vector import (
    like,
    select,
)

__all__ = [
    "activation_backward",
    "activation_forward",
    "activation_input_backward",
    "rectifier_backward",
    "rectifier_forward",
]


@each_vector
@helper
def _activate(x, constants):
    return activate(x, constants[0], constants[1])


@each_pair
@helper
def _activate_backward(dy, y, constants):
    return activate_backward(dy, y, constants[0], constants[1])


@each_pair
@helper
def _activate_input_backward(dy, x, constants):
    return activate_input_backward(dy, x, constants[0])


@each_vector
@helper
def _rectify(x, constants):
    negative_slope, max_value, threshold = constants
    v = select(x > threshold, x, (x - threshold) * negative_slope)
    return select(x >= max_value, like(x, max_value), v)


@each_pair
@helper
def _rectify_backward(dy, x, constants):
    negative_slope, max_value, threshold = constants
    d = select(x > threshold, dy, dy * negative_slope)
    return select(x >= max_value, like(dy, 0.0), d)


def activation_forward(work, x, y, activation, alpha):
    _activate(work, x, y, (activation, alpha))


def activation_backward(work, dy, y, dx, activation, alpha):
    _activate_backward(work, dy, y, dx, (activation, alpha))


def activation_input_backward(work, dy, x, dx, activation):
    _activate_input_backward(work, dy, x, dx, (activation,))


def rectifier_forward(work, x, y, negative_slope, max_value, threshold):
    _rectify(work, x, y, (negative_slope, max_value, threshold))


def rectifier_backward(work, dy, x, dx, negative_slope, max_value, threshold):
    _rectify_backward(work, dy, x, dx, (negative_slope, max_value, threshold))
