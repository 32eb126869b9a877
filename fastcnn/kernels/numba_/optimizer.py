"""Optimizers: one pass over the flat parameters. The rules stand in reference/optimizer.py.

Vectors stand at multiples of VW from the beginning, whatever the shares are.
"""

from fastcnn.kernels.numba_.helper import helper
from fastcnn.kernels.numba_.rows import load_n, store_n
from fastcnn.kernels.numba_.share import ceil_div, split
from fastcnn.kernels.numba_.vector import VW, fabs, lane_sum, like, pointer, select, splat, sqrt

__all__ = [
    "adadelta_update",
    "adagrad_update",
    "adam_update",
    "penalty_value",
    "rmsprop_update",
    "sgd_update",
]

GRAIN = 64  # shares begin at multiples of this many floats: whole cache lines


@helper
def sign(p):
    one, zero = like(p, 1.0), like(p, 0.0)
    return select(p > 0.0, one, zero) - select(p < 0.0, one, zero)


def make_update(step):
    """Helper (share, p, g, bounds, penalties, hyper, first state, second state, constants).

    step(p, g, first, second, at, n, constants): the new parameters at `at`, n of a vector."""

    @helper
    def update(share, p, g, bounds, penalties, hyper, first, second, constants):
        begin, end = split(ceil_div(len(p), GRAIN), share)
        parameters, gradients = pointer(p, 0), pointer(g, 0)
        states = (pointer(first, 0), pointer(second, 0))
        for s in range(len(bounds) - 1):
            k, stop = max(bounds[s], begin * GRAIN), min(bounds[s + 1], end * GRAIN)
            l1, l2 = penalties[s, 0], 2.0 * penalties[s, 1]
            decay = hyper[0] * penalties[s, 2]
            while k < stop:
                n = min(VW - k % VW, stop - k)
                old = load_n(parameters + k, n)
                gradient = load_n(gradients + k, n) + (sign(old) * l1 + old * l2)
                new = step(old - old * decay, gradient, states[0], states[1], k, n, constants)
                store_n(parameters + k, new, n)
                k += n

    return update


@helper
def _sgd(p, g, velocity, unused, k, n, c):
    return p - g * c[0]


@helper
def _momentum(p, g, velocity, unused, k, n, c):
    lr, momentum, nesterov = c
    v = load_n(velocity + k, n) * momentum - g * lr
    store_n(velocity + k, v, n)
    return p + (v * momentum - g * lr) if nesterov else p + v


sgd, momentum_sgd = make_update(_sgd), make_update(_momentum)


def sgd_update(share, p, g, bounds, penalties, hyper, velocity, momentum, nesterov):
    arrays = (p, g, bounds, penalties, hyper, velocity, velocity)
    if velocity.size:
        momentum_sgd(share, *arrays, (hyper[0], momentum, nesterov))
    else:
        sgd(share, *arrays, (hyper[0], momentum, nesterov))


@helper
def _adam(p, g, first, second, k, n, c):
    alpha, rest1, rest2, epsilon = c
    m, v = load_n(first + k, n), load_n(second + k, n)
    m = m + (g - m) * rest1
    v = v + (g * g - v) * rest2
    store_n(first + k, m, n)
    store_n(second + k, v, n)
    return p - m * alpha / (sqrt(v) + epsilon)


adam = make_update(_adam)


def adam_update(share, p, g, bounds, penalties, hyper, m, v, beta1, beta2, epsilon):
    alpha = hyper[0] * hyper[2] ** 0.5 / hyper[1]
    constants = (alpha, 1.0 - beta1, 1.0 - beta2, epsilon)
    adam(share, p, g, bounds, penalties, hyper, m, v, constants)


@helper
def _adadelta(p, g, first, second, k, n, c):
    lr, rho, epsilon = c
    squares, deltas = load_n(first + k, n), load_n(second + k, n)
    squares = squares * rho + g * g * (1.0 - rho)
    delta = sqrt(deltas + epsilon) * g / sqrt(squares + epsilon)
    store_n(first + k, squares, n)
    store_n(second + k, deltas * rho + delta * delta * (1.0 - rho), n)
    return p - delta * lr


adadelta = make_update(_adadelta)


def adadelta_update(share, p, g, bounds, penalties, hyper, squares, deltas, rho, epsilon):
    constants = (hyper[0], rho, epsilon)
    adadelta(share, p, g, bounds, penalties, hyper, squares, deltas, constants)


@helper
def _rmsprop(p, g, first, second, k, n, c):
    lr, rho, epsilon, momentum, has_velocity = c
    squares = load_n(first + k, n) * rho + g * g * (1.0 - rho)
    store_n(first + k, squares, n)
    step = g * lr / sqrt(squares + epsilon)
    if has_velocity:
        step = load_n(second + k, n) * momentum + step
        store_n(second + k, step, n)
    return p - step


rmsprop = make_update(_rmsprop)


def rmsprop_update(
    share, p, g, bounds, penalties, hyper, squares, velocity, rho, epsilon, momentum
):
    constants = (hyper[0], rho, epsilon, momentum, velocity.size > 0)
    rmsprop(share, p, g, bounds, penalties, hyper, squares, velocity, constants)


@helper
def _adagrad(p, g, first, unused, k, n, c):
    lr, epsilon = c
    squares = load_n(first + k, n) + g * g
    store_n(first + k, squares, n)
    return p - g * lr / sqrt(squares + epsilon)


adagrad = make_update(_adagrad)


def adagrad_update(share, p, g, bounds, penalties, hyper, squares, epsilon):
    adagrad(share, p, g, bounds, penalties, hyper, squares, squares, (hyper[0], epsilon))


def penalty_value(share, p, bounds, penalties, out):
    """In one share, so that the order of the sum does not depend on their number."""
    if share.number:
        return
    out[0] = 0.0
    for s in range(len(bounds) - 1):
        l1, l2 = penalties[s, 0], penalties[s, 1]
        if l1 == 0.0 and l2 == 0.0:
            continue
        linear, squares = 0.0, 0.0
        for k in range(bounds[s], bounds[s + 1], 1024):
            one, two = splat(0.0), splat(0.0)
            for i in range(k, min(k + 1024, bounds[s + 1]), VW):
                v = load_n(pointer(p, i), min(k + 1024, bounds[s + 1]) - i)
                one, two = one + fabs(v), two + v * v
            linear, squares = linear + lane_sum(one), squares + lane_sum(two)
        out[0] += l1 * linear + l2 * squares
