"""Functions of vectors: activations and their slopes, exp, tanh, as in csrc/activation_math.h."""

from fastcnn.kernels.numba_.helper import helper
from fastcnn.kernels.numba_.vector import as_float, like, select, to_int
from fastcnn.kernels.spec import ENUMS

LINEAR, RELU, LEAKY_RELU, SIGMOID, TANH = (
    ENUMS["activation"][name] for name in ("linear", "relu", "leaky_relu", "sigmoid", "tanh")
)


@helper
def maximum(a, b):
    """The larger one; b where one of them is NaN."""
    return select(a > b, a, b)


@helper
def minimum(a, b):
    return select(a < b, a, b)


@helper
def exp(x):
    """e^x, relative error below 2e-7: 2^n p(r), r = x - n ln 2; Cephes' polynomial."""
    x = minimum(like(x, 88.37626), maximum(like(x, -87.33654), x))  # so ordered, NaN stays NaN
    n = (x * 1.44269504 + 12582912.0) - 12582912.0  # 1.5 * 2^23: rounds to an integer
    r = x - n * 0.693359375 + n * 2.12194440e-4
    p = r * 1.9875691500e-4 + 1.3981999507e-3
    p = p * r + 8.3334519073e-3
    p = p * r + 4.1665795894e-2
    p = p * r + 1.6666665459e-1
    p = p * r + 5.0000001201e-1
    p = p * (r * r) + r + 1.0
    return p * as_float((to_int(n) + 127) << 23)


@helper
def sigmoid(x):
    return 1.0 / (1.0 + exp(-x))


@helper
def tanh(x):
    """A rational approximation on |x| < 7.9, beyond it +-1 by clamping."""
    x = minimum(like(x, 7.90531110763549805), maximum(like(x, -7.90531110763549805), x))
    s = x * x
    p = s * -2.76076847742355e-16 + 2.00018790482477e-13
    p = p * s + -8.60467152213735e-11
    p = p * s + 5.12229709037114e-08
    p = p * s + 1.48572235717979e-05
    p = p * s + 6.37261928875436e-04
    p = p * s + 4.89352455891786e-03
    q = s * 1.19825839466702e-06 + 1.18534705686654e-04
    q = q * s + 2.26843463243900e-03
    q = q * s + 4.89352518554385e-03
    return x * p / q


@helper
def activate(x, activation, alpha):
    """f(x) of the activation with this code."""
    if activation == RELU:
        return maximum(like(x, 0.0), x)  # so ordered, NaN stays NaN
    if activation == LEAKY_RELU:
        return select(x > 0.0, x, x * alpha)
    if activation == SIGMOID:
        return sigmoid(x)
    if activation == TANH:
        return tanh(x)
    return x


@helper
def activate_backward(dy, y, activation, alpha):
    """dy f'(x), from y = f(x)."""
    if activation == RELU:
        return select(y > 0.0, dy, like(dy, 0.0))
    if activation == LEAKY_RELU:
        return select(y > 0.0, dy, dy * alpha)
    if activation == SIGMOID:
        return dy * (y * (1.0 - y))
    if activation == TANH:
        return dy * (1.0 - y * y)
    return dy
