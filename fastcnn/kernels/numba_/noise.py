"""Noise that is a function of seed, step, layer, image and element alone."""

from fastcnn.kernels.numba_.dropout import draw, drop_threshold
from fastcnn.kernels.numba_.emit import VW
from fastcnn.kernels.numba_.helper import helper
from fastcnn.kernels.numba_.rows import load_n, store_n
from fastcnn.kernels.numba_.share import ceil_div, split
from fastcnn.kernels.numba_.vecmath import circle, log
from fastcnn.kernels.numba_.vector import (
    as_int,
    like,
    pointer,
    select,
    splat,
    sqrt,
    to_float,
)

__all__ = ["alpha_dropout", "gaussian_dropout", "gaussian_noise", "spatial_dropout"]


@helper
def uniform(words, drop, half):
    return (to_float(as_int(words >> drop)) + half) * (1.0 / float(1 << (32 - drop)))


@helper
def normal_pair(even, odd):
    """Two normal numbers of two words (Box and Muller 1958)."""
    radius = sqrt(log(uniform(even, 9, 0.5)) * -2.0)
    cos, sin = circle(uniform(odd, 8, 0.0))
    return radius * cos, radius * sin


@helper
def normals(words):
    first, second = normal_pair(words[0], words[1])
    third, fourth = normal_pair(words[2], words[3])
    return first, second, third, fourth


@helper
def same(words):
    return words


def make_noise(numbers, rule):
    """Helper (work, x, y, state, layer, constants): y = rule(x, number, constants)

    numbers: helper that makes the numbers of four elements of their four random words."""

    @helper
    def apply(work, x, y, state, layer, constants):
        height, width, lanes = x.shape[2], x.shape[3], x.shape[4]
        elements = x.shape[1] * height * width
        quads = ceil_div(elements, 4)
        begin, end = split(x.shape[0] * quads, work)
        for item in range(begin, end):
            b, quad = item // quads, item % quads
            for part in range(0, lanes, VW):
                n, drawn = lanes - part, numbers(draw(state, layer, b, quad, part, lanes))
                for k in range(min(4, elements - 4 * quad)):
                    e = 4 * quad + k
                    c, h, w = e // (height * width), e // width % height, e % width
                    v = load_n(pointer(x, b, c, h, w, part), n)
                    store_n(pointer(y, b, c, h, w, part), rule(v, drawn[k], constants), n)

    return apply


@helper
def _add(x, number, constants):
    return x + number * constants[0]


@helper
def _multiply(x, number, constants):
    return x * (number * constants[0] + 1.0)


@helper
def _alpha(x, word, constants):
    threshold, scale, shift, dropped = constants
    return select(word >= threshold, x * scale + shift, like(x, dropped))


add_noise, multiply_noise = make_noise(normals, _add), make_noise(normals, _multiply)
drop_alpha = make_noise(same, _alpha)


def gaussian_noise(work, x, y, state, layer, stddev):
    add_noise(work, x, y, state, layer, (stddev,))


def gaussian_dropout(work, x, y, state, layer, stddev):
    multiply_noise(work, x, y, state, layer, (stddev,))


def alpha_dropout(work, x, y, state, layer, rate, scale, shift, dropped):
    drop_alpha(work, x, y, state, layer, (drop_threshold(rate), scale, shift, dropped))


def spatial_dropout(work, x, y, state, layer, rate):
    """A channel takes the place of an element."""
    lanes, channels = x.shape[4], x.shape[1]
    threshold, factor = drop_threshold(rate), 1.0 / (1.0 - rate)
    begin, end = split(x.shape[0] * channels, work)
    for plane in range(begin, end):
        b, c = plane // channels, plane % channels
        for part in range(0, lanes, VW):
            words = draw(state, layer, b, c // 4, part, lanes)
            keep, n = words[c % 4] >= threshold, lanes - part
            scale = select(keep, splat(factor), splat(0.0))
            for h in range(x.shape[2]):
                p, q = pointer(x, b, c, h, 0, part), pointer(y, b, c, h, 0, part)
                for w in range(x.shape[3]):
                    store_n(q + w * lanes, load_n(p + w * lanes, n) * scale, n)
