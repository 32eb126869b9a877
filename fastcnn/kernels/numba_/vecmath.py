"""Mathematical functions of vectors, as in csrc/vecmath.h, where their errors are stated."""

from fastcnn.kernels.numba_.helper import helper
from fastcnn.kernels.numba_.vector import (
    as_float,
    as_int,
    fabs,
    like,
    select,
    to_float,
    to_int,
)


@helper
def maximum(a, b):
    """The larger one; b where one of them is NaN."""
    return select(a > b, a, b)


@helper
def minimum(a, b):
    """The smaller one; b where one of them is NaN."""
    return select(a < b, a, b)


@helper
def exp_split(x):
    """(n, r), x = n ln 2 + r, for x in [-87.3, 88.3]; outside, of the nearest end of it."""
    x = minimum(like(x, 88.37626), maximum(like(x, -87.33654), x))  # so ordered, NaN stays NaN
    n = (x * 1.44269504 + 12582912.0) - 12582912.0  # 1.5 * 2^23: rounds to an integer
    return n, x - n * 0.693359375 + n * 2.12194440e-4


@helper
def exp_rest(r):
    """(exp(r) - 1 - r) / r^2; Cephes' polynomial"""
    p = r * 1.9875691500e-4 + 1.3981999507e-3
    p = p * r + 8.3334519073e-3
    p = p * r + 4.1665795894e-2
    p = p * r + 1.6666665459e-1
    return p * r + 5.0000001201e-1


@helper
def power_of_2(n):
    return as_float((to_int(n) + 127) << 23)


@helper
def exp_minus(x, low):
    """exp(x - low), 0 <= low < 0.06"""
    n, r = exp_split(x)
    r = r - low
    return (exp_rest(r) * (r * r) + r + 1.0) * power_of_2(n)


@helper
def exp(x):
    return exp_minus(x, like(x, 0.0))


@helper
def expm1(x):
    """exp(x) - 1"""
    n, r = exp_split(x)
    p = power_of_2(n)
    return p * (exp_rest(r) * (r * r) + r) + (p - 1.0)


@helper
def log(x):
    """For normal x > 0: x = 2^n m, m in [sqrt(1/2), sqrt(2)); as Cephes' logf"""
    n = (as_int(x) - 0x3F3504F3) >> 23
    m = as_float(as_int(x) - (n << 23)) - 1.0
    e, s = to_float(n), m * m
    p = m * 7.0376836292e-2 - 1.1514610310e-1
    p = p * m + 1.1676998740e-1
    p = p * m - 1.2420140846e-1
    p = p * m + 1.4249322787e-1
    p = p * m - 1.6668057665e-1
    p = p * m + 2.0000714765e-1
    p = p * m - 2.4999993993e-1
    p = p * m + 3.3333331174e-1
    r = p * m * s - e * 2.12194440e-4 - s * 0.5
    return select(x == x, r + m + e * 0.693359375, x)


@helper
def log1p(x):
    """log(1 + x), for x in [0, 1]; what 1 + x loses of x is added to the logarithm"""
    w = x + 1.0
    return log(w) + (x - (w - 1.0)) / w


@helper
def sigmoid(x):
    return 1.0 / (exp(-x) + 1.0)


@helper
def softplus(x):
    """log(1 + exp(x))"""
    return maximum(like(x, 0.0), x) + log1p(exp(-fabs(x)))


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
def circle(turns):
    """(cos, sin) of 2 pi turns, turns in [0, 1]. In quarters of a turn, 4 turns = n + f with

    |f| <= 1/2, nothing is lost."""
    quarters = turns * 4.0
    n = (quarters + 12582912.0) - 12582912.0
    f = quarters - n
    s, k = f * f, to_int(n)
    sin = f * (s * (s * (s * -4.6016551e-3 + 7.9680033e-2) - 6.4596343e-1) + 1.5707964)
    cos = s * (s * (s * (s * 9.0336264e-4 - 2.0859936e-2) + 2.5366917e-1) - 1.2337005) + 1.0
    odd = (k & 1) != 0
    x, y = select(odd, sin, cos), select(odd, cos, sin)
    return select(((k + 1) & 2) != 0, -x, x), select((k & 2) != 0, -y, y)


@helper
def normal(x):
    """(P(X > |x|), exp(-x^2 / 2)) of the normal distribution; see csrc/vecmath.h"""
    a = fabs(x)
    high = as_float(as_int(a) & ~0xFFF)
    low = (a - high) * (a + high) * 0.5
    bell = exp_minus(high * high * -0.5, minimum(like(x, 0.06), low))
    r = 1.0 / (a + 4.0)
    t = (a - 4.0) * r
    p = t * -1.5464240278e-4 + 1.2723020336e-4
    p = p * t + 1.5587608796e-3
    p = p * t - 3.4723953941e-3
    p = p * t - 7.5093032792e-3
    p = p * t + 6.0393240303e-2
    p = p * t - 1.8652726710e-1
    p = p * t + 3.8713788986e-1
    p = p * t - 6.0789638758e-1
    p = p * t + 7.5528514385e-1
    return p * r * bell, bell
