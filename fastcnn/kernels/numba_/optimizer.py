"""Optimizers: one pass over the flat parameters. The rules stand in reference/optimizer.py.

Vectors stand at multiples of VW from the beginning, whatever the shares are. A rule is a helper
(p, g, lr, states, k, n, constants) that returns the new parameters at k, n of a vector; states are
pointers to its state arrays, which it updates.
"""

from fastcnn.kernels.numba_.emit import VW
from fastcnn.kernels.numba_.gradient import add_penalties, segment_norms, sign
from fastcnn.kernels.numba_.helper import helper, scratch
from fastcnn.kernels.numba_.rows import load_n, store_n
from fastcnn.kernels.numba_.share import ceil_div, split
from fastcnn.kernels.numba_.vecmath import maximum
from fastcnn.kernels.numba_.vector import (
    fabs,
    lane_sum,
    pointer,
    splat,
    sqrt,
)

__all__ = [
    "adadelta_update",
    "adagrad_update",
    "adam_update",
    "adamax_update",
    "lars_update",
    "lion_update",
    "nadam_update",
    "penalty_value",
    "radam_update",
    "rmsprop_update",
    "sgd_update",
]

GRAIN = 64  # shares begin at multiples of this many floats: whole cache lines


def make_range(rule):
    """Helper that applies a rule to parameters [k, stop)."""

    @helper
    def apply(p, g, k, stop, l1, l2, decay, lr, states, constants):
        parameters, gradients = pointer(p, 0), pointer(g, 0)
        while k < stop:
            n = min(VW - k % VW, stop - k)
            old = load_n(parameters + k, n)
            gradient = add_penalties(load_n(gradients + k, n), old, l1, l2)
            new = rule(old - old * (lr * decay), gradient, lr, states, k, n, constants)
            store_n(parameters + k, new, n)
            k += n

    return apply


def make_update(rule):
    """Helper that applies a rule to this share of all segments."""
    apply = make_range(rule)

    @helper
    def update(work, p, g, bounds, penalties, hyper, states, constants):
        begin, end = split(ceil_div(len(p), GRAIN), work)
        for s in range(len(bounds) - 1):
            k, stop = max(bounds[s], begin * GRAIN), min(bounds[s + 1], end * GRAIN)
            l1, l2, decay = penalties[s, 0], penalties[s, 1], penalties[s, 2]
            apply(p, g, k, stop, l1, l2, decay, hyper[0] * penalties[s, 3], states, constants)

    return update


@helper
def _sgd(p, g, lr, states, k, n, constants):
    return p - g * lr


@helper
def _momentum(p, g, lr, states, k, n, constants):
    momentum, nesterov = constants
    v = load_n(states[0] + k, n) * momentum - g * lr
    store_n(states[0] + k, v, n)
    return p + (v * momentum - g * lr) if nesterov else p + v


_update_sgd, _update_momentum = make_update(_sgd), make_update(_momentum)


def sgd_update(work, p, g, bounds, penalties, hyper, velocity, momentum, nesterov):
    states, constants = (pointer(velocity, 0),), (momentum, nesterov)
    if velocity.size:
        _update_momentum(work, p, g, bounds, penalties, hyper, states, constants)
    else:
        _update_sgd(work, p, g, bounds, penalties, hyper, states, constants)


@helper
def moving(state, value, rest, k, n):
    """state += rest (value - state); returns it"""
    v = load_n(state + k, n)
    v = v + (value - v) * rest
    store_n(state + k, v, n)
    return v


@helper
def _adam(p, g, lr, states, k, n, constants):
    correction, beta1, beta2, epsilon, amsgrad = constants
    m = moving(states[0], g, 1.0 - beta1, k, n)
    second = moving(states[1], g * g, 1.0 - beta2, k, n)
    if amsgrad:
        second = maximum(load_n(states[2] + k, n), second)
        store_n(states[2] + k, second, n)
    return p - m * (lr * correction) / (sqrt(second) + epsilon)


_update_adam = make_update(_adam)


def adam_update(work, p, g, bounds, penalties, hyper, m, v, largest, beta1, beta2, epsilon):
    correction = hyper[2] ** 0.5 / hyper[1]
    states = (pointer(m, 0), pointer(v, 0), pointer(largest, 0))
    constants = (correction, beta1, beta2, epsilon, largest.size > 0)
    _update_adam(work, p, g, bounds, penalties, hyper, states, constants)


@helper
def _adamax(p, g, lr, states, k, n, constants):
    correction, beta1, beta2, epsilon = constants
    m = moving(states[0], g, 1.0 - beta1, k, n)
    u = maximum(load_n(states[1] + k, n) * beta2, fabs(g))
    store_n(states[1] + k, u, n)
    return p - m * (lr * correction) / (u + epsilon)


_update_adamax = make_update(_adamax)


def adamax_update(work, p, g, bounds, penalties, hyper, m, u, beta1, beta2, epsilon):
    states, constants = (pointer(m, 0), pointer(u, 0)), (1.0 / hyper[1], beta1, beta2, epsilon)
    _update_adamax(work, p, g, bounds, penalties, hyper, states, constants)


@helper
def _nadam(p, g, lr, states, k, n, constants):
    of_m, of_g, correction, beta1, beta2, epsilon = constants
    m = moving(states[0], g, 1.0 - beta1, k, n)
    v = moving(states[1], g * g, 1.0 - beta2, k, n)
    return p - (m * of_m + g * of_g) * lr / (sqrt(v * correction) + epsilon)


_update_nadam = make_update(_nadam)


def nadam_update(work, p, g, bounds, penalties, hyper, m, v, beta1, beta2, epsilon):
    states = (pointer(m, 0), pointer(v, 0))
    constants = (hyper[1], hyper[2], 1.0 / hyper[3], beta1, beta2, epsilon)
    _update_nadam(work, p, g, bounds, penalties, hyper, states, constants)


@helper
def _radam(p, g, lr, states, k, n, constants):
    plain, adaptive, beta1, beta2, epsilon = constants
    m = moving(states[0], g, 1.0 - beta1, k, n)
    v = moving(states[1], g * g, 1.0 - beta2, k, n)
    if adaptive == 0.0:
        return p - m * (lr * plain)
    return p - m * (lr * plain * adaptive) / (sqrt(v) + epsilon)


_update_radam = make_update(_radam)


def radam_update(work, p, g, bounds, penalties, hyper, m, v, beta1, beta2, epsilon):
    states = (pointer(m, 0), pointer(v, 0))
    constants = (1.0 / hyper[1], hyper[3] * hyper[2] ** 0.5, beta1, beta2, epsilon)
    _update_radam(work, p, g, bounds, penalties, hyper, states, constants)


@helper
def _lion(p, g, lr, states, k, n, constants):
    beta1, beta2 = constants
    m = load_n(states[0] + k, n)
    store_n(states[0] + k, m + (g - m) * (1.0 - beta2), n)
    return p - sign(m + (g - m) * (1.0 - beta1)) * lr


_update_lion = make_update(_lion)


def lion_update(work, p, g, bounds, penalties, hyper, m, beta1, beta2):
    _update_lion(work, p, g, bounds, penalties, hyper, (pointer(m, 0),), (beta1, beta2))


@helper
def _lars(p, g, lr, states, k, n, constants):
    v = load_n(states[0] + k, n) * constants[0] + g * lr
    store_n(states[0] + k, v, n)
    return p - v


_apply_lars = make_range(_lars)


@scratch(lambda arrays, params: 4 * len(arrays["bounds"]))
def lars_update(
    work,
    p,
    g,
    bounds,
    penalties,
    hyper,
    velocity,
    adapted,
    p_squares,
    g_squares,
    momentum,
    trust,
    epsilon,
):
    begin, end = split(ceil_div(len(p), GRAIN), work)
    p_norms = work.scratch[: len(bounds)]
    g_norms = work.scratch[len(bounds) : 2 * len(bounds)]
    segment_norms(bounds, p_squares, p_norms)
    segment_norms(bounds, g_squares, g_norms)
    states = (pointer(velocity, 0),)
    for s in range(len(bounds) - 1):
        k, stop = max(bounds[s], begin * GRAIN), min(bounds[s + 1], end * GRAIN)
        decay, q = penalties[s, 2], 1.0
        if adapted[s] and p_norms[s] > 0 and g_norms[s] > 0:
            q = trust * p_norms[s] / (g_norms[s] + decay * p_norms[s] + epsilon)
        l2 = penalties[s, 1] + decay / 2
        lr = hyper[0] * penalties[s, 3] * q
        _apply_lars(p, g, k, stop, penalties[s, 0], l2, 0.0, lr, states, (momentum,))


@helper
def _adadelta(p, g, lr, states, k, n, constants):
    rho, epsilon = constants
    squares = load_n(states[0] + k, n) * rho + g * g * (1.0 - rho)
    deltas = load_n(states[1] + k, n)
    delta = sqrt(deltas + epsilon) * g / sqrt(squares + epsilon)
    store_n(states[0] + k, squares, n)
    store_n(states[1] + k, deltas * rho + delta * delta * (1.0 - rho), n)
    return p - delta * lr


_update_adadelta = make_update(_adadelta)


def adadelta_update(work, p, g, bounds, penalties, hyper, squares, deltas, rho, epsilon):
    states = (pointer(squares, 0), pointer(deltas, 0))
    _update_adadelta(work, p, g, bounds, penalties, hyper, states, (rho, epsilon))


@helper
def _rmsprop(p, g, lr, states, k, n, constants):
    rho, epsilon, momentum, has_velocity = constants
    squares = load_n(states[0] + k, n) * rho + g * g * (1.0 - rho)
    store_n(states[0] + k, squares, n)
    step = g * lr / sqrt(squares + epsilon)
    if has_velocity:
        step = load_n(states[1] + k, n) * momentum + step
        store_n(states[1] + k, step, n)
    return p - step


_update_rmsprop = make_update(_rmsprop)


def rmsprop_update(work, p, g, bounds, penalties, hyper, squares, velocity, rho, epsilon, momentum):
    states = (pointer(squares, 0), pointer(velocity, 0))
    constants = (rho, epsilon, momentum, velocity.size > 0)
    _update_rmsprop(work, p, g, bounds, penalties, hyper, states, constants)


@helper
def _adagrad(p, g, lr, states, k, n, constants):
    squares = load_n(states[0] + k, n) + g * g
    store_n(states[0] + k, squares, n)
    return p - g * lr / sqrt(squares + constants[0])


_update_adagrad = make_update(_adagrad)


def adagrad_update(work, p, g, bounds, penalties, hyper, squares, epsilon):
    _update_adagrad(work, p, g, bounds, penalties, hyper, (pointer(squares, 0),), (epsilon,))


def penalty_value(work, p, bounds, penalties, out):
    """In one share, so that the order of the sum does not depend on their number."""
    if work.number:
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
