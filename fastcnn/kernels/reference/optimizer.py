"""Optimizers: one pass over all parameters, which lie in one flat array p, gradients g alike.

Segment s is p[bounds[s] : bounds[s + 1]], an array of weights, say; penalties[s] = (l1, l2, decay).
Before the rule proper, with learning rate lr = hyper[0]:

    g' = g + l1 sign(p) + 2 l2 p        the gradient of the penalty l1 |p| + l2 p^2
    p  = p - lr decay p                 decoupled weight decay (Loshchilov & Hutter, 2019)

`hyper` (float64) holds what changes from step to step; states start at zero unless said otherwise.
Parameters outside all segments, and their states, are left alone. Rules and defaults as in Keras 3.
"""

import numpy as np

__all__ = [
    "adadelta_update",
    "adagrad_update",
    "adam_update",
    "penalty_value",
    "rmsprop_update",
    "sgd_update",
]


def _segments(p, g, bounds, penalties, hyper):
    """(slice, effective gradient) of each segment, whose p has decayed."""
    for s in range(len(bounds) - 1):
        part = slice(bounds[s], bounds[s + 1])
        l1, l2, decay = penalties[s]
        gradient = g[part] + l1 * np.sign(p[part]) + 2 * l2 * p[part]
        p[part] -= hyper[0] * decay * p[part]
        yield part, gradient


def sgd_update(p, g, bounds, penalties, hyper, velocity, *, momentum, nesterov):
    """Stochastic gradient descent (Sutskever et al., 2013). hyper = (lr,)

    v = momentum v - lr g;  p += v, with nesterov p += momentum v - lr g
    Without velocity: p -= lr g
    """
    lr = hyper[0]
    for s, gradient in _segments(p, g, bounds, penalties, hyper):
        if velocity is None:
            p[s] -= lr * gradient
            continue
        velocity[s] = momentum * velocity[s] - lr * gradient
        p[s] += momentum * velocity[s] - lr * gradient if nesterov else velocity[s]


def adam_update(p, g, bounds, penalties, hyper, m, v, *, beta1, beta2, epsilon):
    """Adam (Kingma & Ba, 2015). hyper = (lr, 1 - beta1^t, 1 - beta2^t), t = 1, 2, ... the step

    m += (1 - beta1) (g - m);  v += (1 - beta2) (g^2 - v)
    p -= alpha m / (sqrt(v) + epsilon), alpha = lr sqrt(1 - beta2^t) / (1 - beta1^t)
    """
    alpha = hyper[0] * np.sqrt(hyper[2]) / hyper[1]
    for s, gradient in _segments(p, g, bounds, penalties, hyper):
        m[s] += (1 - beta1) * (gradient - m[s])
        v[s] += (1 - beta2) * (gradient**2 - v[s])
        p[s] -= alpha * m[s] / (np.sqrt(v[s]) + epsilon)


def adadelta_update(p, g, bounds, penalties, hyper, squares, deltas, *, rho, epsilon):
    """Adadelta (Zeiler, 2012). hyper = (lr,)

    squares = rho squares + (1 - rho) g^2
    d = sqrt(deltas + epsilon) / sqrt(squares + epsilon) g
    deltas = rho deltas + (1 - rho) d^2;  p -= lr d
    """
    for s, gradient in _segments(p, g, bounds, penalties, hyper):
        squares[s] = rho * squares[s] + (1 - rho) * gradient**2
        delta = np.sqrt(deltas[s] + epsilon) / np.sqrt(squares[s] + epsilon) * gradient
        deltas[s] = rho * deltas[s] + (1 - rho) * delta**2
        p[s] -= hyper[0] * delta


def rmsprop_update(p, g, bounds, penalties, hyper, squares, velocity, *, rho, epsilon, momentum):
    """RMSprop (Tieleman & Hinton, 2012). hyper = (lr,)

    squares = rho squares + (1 - rho) g^2;  d = lr g / sqrt(squares + epsilon)
    p -= d; with velocity v: v = momentum v + d, p -= v
    """
    for s, gradient in _segments(p, g, bounds, penalties, hyper):
        squares[s] = rho * squares[s] + (1 - rho) * gradient**2
        step = hyper[0] * gradient / np.sqrt(squares[s] + epsilon)
        if velocity is not None:
            velocity[s] = step = momentum * velocity[s] + step
        p[s] -= step


def adagrad_update(p, g, bounds, penalties, hyper, squares, *, epsilon):
    """Adagrad (Duchi, Hazan & Singer, 2011). hyper = (lr,); Keras starts squares at 0.1

    squares += g^2;  p -= lr g / sqrt(squares + epsilon)
    """
    for s, gradient in _segments(p, g, bounds, penalties, hyper):
        squares[s] += gradient**2
        p[s] -= hyper[0] * gradient / np.sqrt(squares[s] + epsilon)


def penalty_value(p, bounds, penalties, out):
    """out = sum over parameters of l1 |p| + l2 p^2: what the penalties add to the loss"""
    out[...] = 0
    for s in range(len(bounds) - 1):
        part = p[bounds[s] : bounds[s + 1]].astype(np.float64)
        out += penalties[s][0] * np.abs(part).sum() + penalties[s][1] * (part**2).sum()
