"""Activations y = f(x), for each number."""

import math

import numpy as np

__all__ = [
    "activation_backward",
    "activation_forward",
    "activation_input_backward",
    "rectifier_backward",
    "rectifier_forward",
]

SELU_SCALE, SELU_ALPHA = 1.0507009873554805, 1.6732632423543772
TANH_SCALE, TANH_CUBIC = math.sqrt(2 / math.pi), 0.044715  # of gelu_tanh


def sigmoid(x):
    """1 / (1 + exp(-x)), without overflow"""
    e = np.exp(-np.abs(x))
    return np.where(x < 0, e, 1) / (1 + e)


def elu(x, alpha):
    """x where x > 0, else alpha (exp(x) - 1)"""
    return np.where(x > 0, x, alpha * np.expm1(np.minimum(x, 0)))


def normal_share(x):
    """P(X < x) of the normal distribution"""
    from scipy.special import ndtr

    return ndtr(x)


def mish_share(x):
    """tanh(softplus(x))"""
    return np.tanh(np.logaddexp(0, x))


# f(x) of x and alpha
VALUES = {
    "linear": lambda x, alpha: x,
    "relu": lambda x, alpha: np.maximum(x, 0),
    "leaky_relu": lambda x, alpha: np.where(x > 0, x, alpha * x),
    "sigmoid": lambda x, alpha: sigmoid(x),
    "tanh": lambda x, alpha: np.tanh(x),
    "elu": elu,
    "selu": lambda x, alpha: SELU_SCALE * elu(x, SELU_ALPHA),
    "relu6": lambda x, alpha: np.clip(x, 0, 6),
    "hard_sigmoid": lambda x, alpha: np.clip(x + 3, 0, 6) / 6,
    "softplus": lambda x, alpha: np.logaddexp(0, x),
    "softsign": lambda x, alpha: x / (1 + np.abs(x)),
    "threshold": lambda x, alpha: np.where(np.isnan(x), x, x > alpha),
    "gelu": lambda x, alpha: x * normal_share(x),
    "gelu_tanh": lambda x, alpha: x * sigmoid(2 * TANH_SCALE * (x + TANH_CUBIC * x**3)),
    "swish": lambda x, alpha: x * sigmoid(x),
    "mish": lambda x, alpha: x * mish_share(x),
}

# f'(x) of y = f(x) and alpha
OUTPUT_SLOPES = {
    "linear": lambda y, alpha: np.ones_like(y),
    "relu": lambda y, alpha: y > 0,
    "leaky_relu": lambda y, alpha: np.where(y > 0, 1, alpha),
    "sigmoid": lambda y, alpha: y * (1 - y),
    "tanh": lambda y, alpha: 1 - y * y,
    "elu": lambda y, alpha: np.where(y > 0, 1, y + alpha),
    "selu": lambda y, alpha: np.where(y > 0, SELU_SCALE, y + SELU_SCALE * SELU_ALPHA),
    "relu6": lambda y, alpha: (y > 0) & (y < 6),
    "hard_sigmoid": lambda y, alpha: ((y > 0) & (y < 1)) / 6,
    "softplus": lambda y, alpha: -np.expm1(-y),
    "softsign": lambda y, alpha: (1 - np.abs(y)) ** 2,
    "threshold": lambda y, alpha: np.zeros_like(y),
}


def gelu_slope(x):
    """P(X < x) + x exp(-x^2 / 2) / sqrt(2 pi)"""
    return normal_share(x) + x * np.exp(-x * x / 2) / math.sqrt(2 * math.pi)


def gelu_tanh_slope(x):
    """s + x s (1 - s) u', s = sigmoid(u), u = 2 sqrt(2 / pi) (x + 0.044715 x^3)"""
    s = sigmoid(2 * TANH_SCALE * (x + TANH_CUBIC * x**3))
    return s + x * s * (1 - s) * 2 * TANH_SCALE * (1 + 3 * TANH_CUBIC * x**2)


def swish_slope(x):
    """s + x s (1 - s), s = sigmoid(x)"""
    s = sigmoid(x)
    return s + x * s * (1 - s)


def mish_slope(x):
    """t + x (1 - t^2) sigmoid(x), t = tanh(softplus(x))"""
    t = mish_share(x)
    return t + x * (1 - t * t) * sigmoid(x)


# f'(x) of x
INPUT_SLOPES = {
    "gelu": gelu_slope,
    "gelu_tanh": gelu_tanh_slope,
    "swish": swish_slope,
    "mish": mish_slope,
}


def activate(x, activation, alpha=0.0):
    """f(x)"""
    return VALUES[activation](x, alpha)


def activation_slope(y, activation, alpha=0.0):
    """f'(x) from y = f(x)."""
    return OUTPUT_SLOPES[activation](y, alpha).astype(y.dtype)


def input_slope(x, activation, alpha=0.0):
    """f'(x) from x, of any activation."""
    if activation in INPUT_SLOPES:
        return INPUT_SLOPES[activation](x)
    return activation_slope(activate(x, activation, alpha), activation, alpha)


def activation_forward(x, y, *, activation, alpha):
    y[...] = activate(x, activation, alpha)


def activation_backward(dy, y, dx, *, activation, alpha):
    """dx = dy f'(x), from y = f(x)"""
    dx[...] = dy * activation_slope(y, activation, alpha)


def activation_input_backward(dy, x, dx, *, activation):
    """dx = dy f'(x), from x"""
    dx[...] = dy * input_slope(x, activation)


def rectified(x, negative_slope, max_value, threshold):
    """max_value where x >= max_value, x where x > threshold, else slope (x - threshold)"""
    below = negative_slope * (x - threshold)
    return np.where(x >= max_value, max_value, np.where(x > threshold, x, below))


def rectifier_slope(x, negative_slope, max_value, threshold):
    """0, 1 or negative_slope in these three ranges"""
    return np.where(x >= max_value, 0, np.where(x > threshold, 1, negative_slope))


def rectifier_forward(x, y, *, negative_slope, max_value, threshold):
    y[...] = rectified(x, negative_slope, max_value, threshold)


def rectifier_backward(dy, x, dx, *, negative_slope, max_value, threshold):
    dx[...] = dy * rectifier_slope(x, negative_slope, max_value, threshold)
