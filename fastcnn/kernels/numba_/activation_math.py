"""Activations of vectors and their slopes, as in csrc/activation_math.h."""

from fastcnn.kernels.numba_.helper import helper
from fastcnn.kernels.numba_.machine import never_inlined
from fastcnn.kernels.numba_.vecmath import (
    exp,
    expm1,
    maximum,
    minimum,
    normal,
    sigmoid,
    softplus,
    tanh,
)
from fastcnn.kernels.numba_.vector import (
    fabs,
    like,
    select,
)
from fastcnn.kernels.spec import ENUMS

CODES = ENUMS["activation"]
LINEAR, RELU, LEAKY_RELU = CODES["linear"], CODES["relu"], CODES["leaky_relu"]
SIGMOID, TANH, ELU, SELU = CODES["sigmoid"], CODES["tanh"], CODES["elu"], CODES["selu"]
RELU6, HARD_SIGMOID, SOFTPLUS = CODES["relu6"], CODES["hard_sigmoid"], CODES["softplus"]
SOFTSIGN, THRESHOLD, GELU = CODES["softsign"], CODES["threshold"], CODES["gelu"]
GELU_TANH, SWISH, MISH = CODES["gelu_tanh"], CODES["swish"], CODES["mish"]

SELU_SCALE, SELU_ALPHA = 1.05070098735548, 1.67326324235437
GELU_TANH_SCALE = 1.59576912160573  # 2 sqrt(2 / pi), for tanh(u) = 2 sigmoid(2 u) - 1
GELU_TANH_CUBIC = 0.044715
NORMAL_DENSITY = 0.398942280401433  # 1 / sqrt(2 pi)


@helper
def clipped(x, most):
    """Between 0 and `most`; NaN stays NaN."""
    return minimum(like(x, most), maximum(like(x, 0.0), x))


@helper
def gelu(x):
    below = x * normal(x)[0]
    return select(x > 0.0, x - below, below)


@helper
def gelu_slope(x):
    tail, bell = normal(x)
    return select(x > 0.0, 1.0 - tail, tail) + x * bell * NORMAL_DENSITY


@helper
def gelu_tanh_share(x):
    return sigmoid(x * (x * x * (GELU_TANH_SCALE * GELU_TANH_CUBIC) + GELU_TANH_SCALE))


@helper
def gelu_tanh_slope(x):
    s = gelu_tanh_share(x)
    inner = x * x * (3.0 * GELU_TANH_SCALE * GELU_TANH_CUBIC) + GELU_TANH_SCALE
    return s + x * inner * (s * (1.0 - s))


@helper
def swish_slope(x):
    s = sigmoid(x)
    return s + x * (s * (1.0 - s))


@helper
def mish(x):
    """x n / (n + 2), n = e^2 + 2 e, e = exp(x); from x = 20 on the factor is 1 in float32."""
    e = exp(minimum(like(x, 20.0), x))
    n = e * (e + 2.0)
    return x * (n / (n + 2.0))


@helper
def mish_slope(x):
    e = exp(minimum(like(x, 20.0), x))
    n = e * (e + 2.0)
    r = 1.0 / (n + 2.0)
    return n * r + x * (e * (e + 1.0) * r * 4.0) * r


@helper
def _value(x, activation, alpha):
    """Called, so that the loops of other kernels stay small."""
    never_inlined()
    if activation == SIGMOID:
        return sigmoid(x)
    if activation == TANH:
        return tanh(x)
    if activation == ELU:
        return select(x > 0.0, x, expm1(x) * alpha)
    if activation == SELU:
        return select(x > 0.0, x, expm1(x) * SELU_ALPHA) * SELU_SCALE
    if activation == RELU6:
        return clipped(x, 6.0)
    if activation == HARD_SIGMOID:
        return clipped(x + 3.0, 6.0) / 6.0
    if activation == SOFTPLUS:
        return softplus(x)
    if activation == SOFTSIGN:
        return x / (fabs(x) + 1.0)
    if activation == THRESHOLD:
        return select(x == x, select(x > alpha, like(x, 1.0), like(x, 0.0)), x)
    if activation == GELU:
        return gelu(x)
    if activation == GELU_TANH:
        return x * gelu_tanh_share(x)
    if activation == SWISH:
        return x * sigmoid(x)
    return mish(x) if activation == MISH else x


@helper
def _slope(dy, y, activation, alpha):
    never_inlined()
    if activation == SIGMOID:
        return dy * (y * (1.0 - y))
    if activation == TANH:
        return dy * (1.0 - y * y)
    if activation == ELU:
        return select(y > 0.0, dy, dy * (y + alpha))
    if activation == SELU:
        return dy * select(y > 0.0, like(y, SELU_SCALE), y + SELU_SCALE * SELU_ALPHA)
    if activation == RELU6:
        return select((y > 0.0) & (y < 6.0), dy, like(dy, 0.0))
    if activation == HARD_SIGMOID:
        return select((y > 0.0) & (y < 1.0), dy / 6.0, like(dy, 0.0))
    if activation == SOFTPLUS:
        return dy * -expm1(-y)
    if activation == SOFTSIGN:
        return dy * ((1.0 - fabs(y)) * (1.0 - fabs(y)))
    return like(dy, 0.0) if activation == THRESHOLD else dy


@helper
def activate(x, activation, alpha):
    """f(x) of the activation with this code."""
    if activation == LINEAR:
        return x
    if activation == RELU:
        return maximum(like(x, 0.0), x)  # so ordered, NaN stays NaN
    if activation == LEAKY_RELU:
        return select(x > 0.0, x, x * alpha)
    return _value(x, activation, alpha)


@helper
def activate_backward(dy, y, activation, alpha):
    """dy f'(x), from y = f(x)."""
    if activation == LINEAR:
        return dy
    if activation == RELU:
        return select(y > 0.0, dy, like(dy, 0.0))
    if activation == LEAKY_RELU:
        return select(y > 0.0, dy, dy * alpha)
    return _slope(dy, y, activation, alpha)


@helper
def activate_input_backward(dy, x, activation):
    """dy f'(x), from x, of the activations whose slope can't be had from y."""
    if activation == GELU:
        return dy * gelu_slope(x)
    if activation == GELU_TANH:
        return dy * gelu_tanh_slope(x)
    if activation == SWISH:
        return dy * swish_slope(x)
    return dy * mish_slope(x) if activation == MISH else dy


@helper
def slope_at(dy, x, activation, alpha):
    """dy f'(x), from x, of any activation."""
    if activation >= GELU:
        return activate_input_backward(dy, x, activation)
    return activate_backward(dy, activate(x, activation, alpha), activation, alpha)
