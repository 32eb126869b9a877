"""Layers that move numbers, and layers of several inputs, against PyTorch."""

import pytest

from fastcnn import layers as L
from tests.torch.against import BACKENDS, F, assert_as_torch, names_of, needs_torch, samples, torch

pytestmark = needs_torch
X, ROW = (3, 7, 6), (3, 11)
THREE = [X, X, X]


def grown(mode, *factors, **options):
    return lambda x: F.interpolate(x, scale_factor=tuple(map(float, factors)), mode=mode, **options)


def bilinear(*factors):
    return grown("bilinear", *factors, align_corners=False)


def product(*xs):
    return torch.stack(xs).prod(0)


def mean(*xs):
    return torch.stack(xs).mean(0)


def largest(*xs):
    return torch.stack(xs).amax(0)


def joined(axis):
    return lambda *xs: torch.cat(xs, axis)


ROWS = [  # layer, shape of a sample (a list of several inputs), the same in PyTorch
    (L.Flatten(), X, lambda x: torch.flatten(x, 1)),
    (L.Flatten(), (3,), lambda x: torch.flatten(x, 1)),
    (L.Reshape((7, 9, 2)), X, lambda x: x.reshape(-1, 7, 9, 2)),
    (L.Reshape((18, 7)), X, lambda x: x.reshape(-1, 18, 7)),
    (L.Reshape((33,)), ROW, lambda x: x.reshape(-1, 33)),
    (L.Permute((2, 1, 3)), X, lambda x: x.permute(0, 1, 3, 2)),
    (L.Permute((3, 1, 2)), X, lambda x: x.permute(0, 3, 1, 2)),
    (L.Permute((2, 1)), ROW, lambda x: x.permute(0, 2, 1)),
    (L.ZeroPadding2D(2), X, lambda x: F.pad(x, (2, 2, 2, 2))),
    (L.ZeroPadding2D(((1, 0), (2, 3))), X, lambda x: F.pad(x, (2, 3, 1, 0))),
    (L.Cropping2D((2, 1)), X, lambda x: F.pad(x, (-1, -1, -2, -2))),
    (L.Cropping2D(((1, 0), (2, 3))), X, lambda x: F.pad(x, (-2, -3, -1, 0))),
    (L.ChannelPadding((1, 2)), X, lambda x: F.pad(x, (0, 0, 0, 0, 1, 2))),
    (L.ChannelPadding(2), (4,), lambda x: F.pad(x, (2, 2))),
    (L.UpSampling2D(2), X, grown("nearest", 2, 2)),
    (L.UpSampling2D((1, 3)), X, grown("nearest", 1, 3)),
    (L.UpSampling2D(2, "bilinear"), X, bilinear(2, 2)),
    (L.UpSampling2D((3, 4), "bilinear"), X, bilinear(3, 4)),
    (L.UpSampling2D((5, 1), "bilinear"), (2, 1, 3), bilinear(5, 1)),
    (L.Rescaling(0.3, -1.5), X, lambda x: 0.3 * x - 1.5),
    (L.Rescaling(1 / 9), (10,), lambda x: x / 9),
    (L.Add(), [X, X], lambda *xs: torch.add(*xs)),
    (L.Add(), THREE, lambda *xs: sum(xs)),
    (L.Add(activation="tanh"), THREE, lambda *xs: torch.tanh(sum(xs))),
    (L.Multiply(), [X, X], product),
    (L.Multiply(), THREE, product),
    (L.Multiply(activation="relu"), [(5,), (5,)], lambda *xs: F.relu(product(*xs))),
    (L.Average(), THREE, mean),
    (L.Average(activation="sigmoid"), [X, X], lambda *xs: torch.sigmoid(mean(*xs))),
    (L.Maximum(), [X, X], lambda *xs: torch.maximum(*xs)),
    (L.Maximum(), [(5,)] * 4, largest),
    (L.Concatenate(), [X, (5, 7, 6), (1, 7, 6)], joined(1)),
    (L.Concatenate(axis=1), [X, (3, 2, 6)], joined(2)),
    (L.Concatenate(axis=2), [X, (3, 7, 1)], joined(3)),
    (L.Concatenate(), [(4,), (3,)], joined(1)),
    (L.Concatenate(axis=1), [ROW, (3, 2)], joined(2)),
    (L.Concatenate(activation="elu"), [ROW, ROW], lambda *xs: F.elu(torch.cat(xs, 1))),
]


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize(("layer", "shape", "function"), ROWS, ids=names_of(ROWS))
def test_values_and_gradients(layer, shape, function, backend):
    assert_as_torch(layer, samples(shape), function, backend)
