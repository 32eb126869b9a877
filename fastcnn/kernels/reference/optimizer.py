"""Optimizers: one pass over all parameters, which lie in one flat array p, gradients g alike.

Segment s is p[bounds[s] : bounds[s + 1]], an array of weights, say; penalties[s] = (l1, l2, decay,
factor). Before the rule proper, with learning rate lr = hyper[0] factor:

    g' = g + l1 sign(p) + 2 l2 p        the gradient of the penalty l1 |p| + l2 p^2
    p  = p - lr decay p                 decoupled weight decay (Loshchilov & Hutter, 2019)

`hyper` (float64) holds what changes from step to step; states start at zero unless said otherwise.
Parameters outside all segments, and their states, are left alone. Rules and defaults as in Keras 3.
"""

import numpy as np

from fastcnn.kernels.reference.gradient import segment_sums

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


def _segments(p, g, bounds, penalties, hyper):
    """(slice, learning rate, effective gradient) of each segment, whose p has decayed."""
    for s in range(len(bounds) - 1):
        part = slice(bounds[s], bounds[s + 1])
        l1, l2, decay, factor = penalties[s]
        lr = hyper[0] * factor
        gradient = g[part] + l1 * np.sign(p[part]) + 2 * l2 * p[part]
        p[part] -= lr * decay * p[part]
        yield part, lr, gradient


def sgd_update(p, g, bounds, penalties, hyper, velocity, *, momentum, nesterov):
    """Stochastic gradient descent (Sutskever et al., 2013). hyper = (lr,)

    v = momentum v - lr g;  p += v, with nesterov p += momentum v - lr g
    Without velocity: p -= lr g
    """
    for s, lr, gradient in _segments(p, g, bounds, penalties, hyper):
        if velocity is None:
            p[s] -= lr * gradient
            continue
        velocity[s] = momentum * velocity[s] - lr * gradient
        p[s] += momentum * velocity[s] - lr * gradient if nesterov else velocity[s]


def adam_update(p, g, bounds, penalties, hyper, m, v, largest, *, beta1, beta2, epsilon):
    """Adam (Kingma & Ba, 2015). hyper = (lr, 1 - beta1^t, 1 - beta2^t), t = 1, 2, ... the step

    m += (1 - beta1) (g - m);  v += (1 - beta2) (g^2 - v)
    p -= lr sqrt(1 - beta2^t) / (1 - beta1^t) m / (sqrt(v) + epsilon)
    With largest (Reddi, Kale & Kumar, 2018): largest = max(largest, v) in place of v
    """
    correction = np.sqrt(hyper[2]) / hyper[1]
    for s, lr, gradient in _segments(p, g, bounds, penalties, hyper):
        m[s] += (1 - beta1) * (gradient - m[s])
        v[s] += (1 - beta2) * (gradient**2 - v[s])
        second = v[s]
        if largest is not None:
            largest[s] = second = np.maximum(largest[s], v[s])
        p[s] -= lr * correction * m[s] / (np.sqrt(second) + epsilon)


def adamax_update(p, g, bounds, penalties, hyper, m, u, *, beta1, beta2, epsilon):
    """Adamax (Kingma & Ba, 2015). hyper = (lr, 1 - beta1^t)

    m += (1 - beta1) (g - m);  u = max(beta2 u, |g|);  p -= lr / (1 - beta1^t) m / (u + epsilon)
    """
    for s, lr, gradient in _segments(p, g, bounds, penalties, hyper):
        m[s] += (1 - beta1) * (gradient - m[s])
        u[s] = np.maximum(beta2 * u[s], np.abs(gradient))
        p[s] -= lr / hyper[1] * m[s] / (u[s] + epsilon)


def nadam_update(p, g, bounds, penalties, hyper, m, v, *, beta1, beta2, epsilon):
    """Nadam (Dozat, 2016). hyper = (lr, a, b, 1 - beta2^t)

    m += (1 - beta1) (g - m);  v += (1 - beta2) (g^2 - v)
    p -= lr (a m + b g) / (sqrt(v / (1 - beta2^t)) + epsilon)
    """
    for s, lr, gradient in _segments(p, g, bounds, penalties, hyper):
        m[s] += (1 - beta1) * (gradient - m[s])
        v[s] += (1 - beta2) * (gradient**2 - v[s])
        momentum = hyper[1] * m[s] + hyper[2] * gradient
        p[s] -= lr * momentum / (np.sqrt(v[s] / hyper[3]) + epsilon)


def radam_update(p, g, bounds, penalties, hyper, m, v, *, beta1, beta2, epsilon):
    """Rectified Adam (Liu et al., 2020). hyper = (lr, 1 - beta1^t, 1 - beta2^t, r)

    m += (1 - beta1) (g - m);  v += (1 - beta2) (g^2 - v)
    p -= lr r sqrt(1 - beta2^t) / (1 - beta1^t) m / (sqrt(v) + epsilon)
    With r = 0: p -= lr / (1 - beta1^t) m
    """
    for s, lr, gradient in _segments(p, g, bounds, penalties, hyper):
        m[s] += (1 - beta1) * (gradient - m[s])
        v[s] += (1 - beta2) * (gradient**2 - v[s])
        adaptive = hyper[3] * np.sqrt(hyper[2]) / (np.sqrt(v[s]) + epsilon) if hyper[3] else 1
        p[s] -= lr / hyper[1] * adaptive * m[s]


def lion_update(p, g, bounds, penalties, hyper, m, *, beta1, beta2):
    """Lion (Chen et al., 2023). hyper = (lr,)

    p -= lr sign(beta1 m + (1 - beta1) g);  m += (1 - beta2) (g - m)
    """
    for s, lr, gradient in _segments(p, g, bounds, penalties, hyper):
        p[s] -= lr * np.sign(m[s] + (1 - beta1) * (gradient - m[s]))
        m[s] += (1 - beta2) * (gradient - m[s])


def lars_update(
    p,
    g,
    bounds,
    penalties,
    hyper,
    velocity,
    adapted,
    p_squares,
    g_squares,
    *,
    momentum,
    trust,
    epsilon,
):
    """Layer-wise adaptive rate scaling (You, Gitman & Ginsburg, 2017). hyper = (lr,)

    q = trust |p| / (|g| + decay |p| + epsilon), or 1 unless adapted[s] and both norms are positive
    v = momentum v + lr q (g + decay p);  p -= v
    """
    p_norms, g_norms = (np.sqrt(segment_sums(bounds, sums)) for sums in (p_squares, g_squares))
    coupled = penalties.copy()
    coupled[:, 1] += penalties[:, 2] / 2
    coupled[:, 2] = 0
    parts = _segments(p, g, bounds, coupled, hyper)
    for number, (s, lr, gradient) in enumerate(parts):
        p_norm, g_norm, decay = p_norms[number], g_norms[number], penalties[number, 2]
        q = 1.0
        if adapted[number] and p_norm > 0 and g_norm > 0:
            q = trust * p_norm / (g_norm + decay * p_norm + epsilon)
        velocity[s] = momentum * velocity[s] + lr * q * gradient
        p[s] -= velocity[s]


def adadelta_update(p, g, bounds, penalties, hyper, squares, deltas, *, rho, epsilon):
    """Adadelta (Zeiler, 2012). hyper = (lr,)

    squares = rho squares + (1 - rho) g^2
    d = sqrt(deltas + epsilon) / sqrt(squares + epsilon) g
    deltas = rho deltas + (1 - rho) d^2;  p -= lr d
    """
    for s, lr, gradient in _segments(p, g, bounds, penalties, hyper):
        squares[s] = rho * squares[s] + (1 - rho) * gradient**2
        delta = np.sqrt(deltas[s] + epsilon) / np.sqrt(squares[s] + epsilon) * gradient
        deltas[s] = rho * deltas[s] + (1 - rho) * delta**2
        p[s] -= lr * delta


def rmsprop_update(p, g, bounds, penalties, hyper, squares, velocity, *, rho, epsilon, momentum):
    """RMSprop (Tieleman & Hinton, 2012). hyper = (lr,)

    squares = rho squares + (1 - rho) g^2;  d = lr g / sqrt(squares + epsilon)
    p -= d; with velocity v: v = momentum v + d, p -= v
    """
    for s, lr, gradient in _segments(p, g, bounds, penalties, hyper):
        squares[s] = rho * squares[s] + (1 - rho) * gradient**2
        step = lr * gradient / np.sqrt(squares[s] + epsilon)
        if velocity is not None:
            velocity[s] = step = momentum * velocity[s] + step
        p[s] -= step


def adagrad_update(p, g, bounds, penalties, hyper, squares, *, epsilon):
    """Adagrad (Duchi, Hazan & Singer, 2011). hyper = (lr,); Keras starts squares at 0.1

    squares += g^2;  p -= lr g / sqrt(squares + epsilon)
    """
    for s, lr, gradient in _segments(p, g, bounds, penalties, hyper):
        squares[s] += gradient**2
        p[s] -= lr * gradient / np.sqrt(squares[s] + epsilon)


def penalty_value(p, bounds, penalties, out):
    """out = sum over parameters of l1 |p| + l2 p^2: what the penalties add to the loss"""
    out[...] = 0
    for s in range(len(bounds) - 1):
        part = p[bounds[s] : bounds[s + 1]].astype(np.float64)
        out += penalties[s][0] * np.abs(part).sum() + penalties[s][1] * (part**2).sum()
