"""Pooling against PyTorch. Its ceil_mode is padding after the image, which no mean counts here."""

import pytest

from fastcnn import layers as L
from tests.torch.against import BACKENDS, F, assert_as_torch, names_of, needs_torch, samples, torch

pytestmark = needs_torch


def max2d(*arguments, **options):
    return lambda x: F.max_pool2d(x, *arguments, **options)


def max1d(*arguments, **options):
    return lambda x: F.max_pool1d(x, *arguments, **options)


def mean2d(*arguments, counted=False, **options):
    return lambda x: F.avg_pool2d(x, *arguments, count_include_pad=counted, **options)


def mean1d(*arguments, counted=False, **options):
    return lambda x: F.avg_pool1d(x, *arguments, count_include_pad=counted, **options)


def max_of_padded(border, *arguments):
    return lambda x: F.max_pool2d(F.pad(x, border, value=-torch.inf), *arguments)


def mean_of_padded(border, *arguments):
    """Means of all cells over the means of a picture of ones: padding counts nowhere."""

    def function(x):
        there = F.avg_pool2d(F.pad(torch.ones_like(x), border), *arguments)
        return F.avg_pool2d(F.pad(x, border), *arguments) / there

    return function


X, ROW = (3, 7, 6), (3, 11)
ONE_AFTER = ((0, 1), (0, 1))
ROWS = [  # layer, shape of a sample, the same in PyTorch
    (L.MaxPooling2D(2), X, max2d(2)),
    (L.MaxPooling2D(3, 1), X, max2d(3, 1)),
    (L.MaxPooling2D(3, 2), X, max2d(3, 2)),
    (L.MaxPooling2D((2, 3), (3, 1)), X, max2d((2, 3), (3, 1))),
    (L.MaxPooling2D(3, 2, 1), X, max2d(3, 2, 1)),
    (L.MaxPooling2D(4, 3, (2, 1)), X, max2d(4, 3, (2, 1))),
    (L.MaxPooling2D(2, 3), X, max2d(2, 3)),
    (L.MaxPooling2D(2, padding=((0, 1), (0, 0))), X, max2d(2, ceil_mode=True)),
    (L.MaxPooling2D(3, 2, ((0, 0), (0, 1))), X, max2d(3, 2, ceil_mode=True)),
    (L.MaxPooling2D(3, 2, ((1, 1), (1, 2))), X, max2d(3, 2, 1, ceil_mode=True)),
    (L.MaxPooling2D(3, 2, "same"), X, max_of_padded((0, 1, 1, 1), 3, 2)),
    (L.MaxPooling2D(2, 1, "same"), X, max_of_padded((0, 1, 0, 1), 2, 1)),
    (L.MaxPooling2D(15), (2, 15, 15), max2d(15)),
    (L.MaxPooling1D(2), ROW, max1d(2)),
    (L.MaxPooling1D(3, 2, 1), ROW, max1d(3, 2, 1)),
    (L.MaxPooling1D(4, 3, (0, 2)), ROW, max1d(4, 3, ceil_mode=True)),
    (L.AveragePooling2D(2), X, mean2d(2)),
    (L.AveragePooling2D(3, 1), X, mean2d(3, 1)),
    (L.AveragePooling2D((2, 3), (3, 1)), X, mean2d((2, 3), (3, 1))),
    (L.AveragePooling2D(3, 2, 1), X, mean2d(3, 2, 1)),
    (L.AveragePooling2D(3, 2, 1, True), X, mean2d(3, 2, 1, counted=True)),
    (L.AveragePooling2D(4, 3, (2, 1)), X, mean2d(4, 3, (2, 1))),
    (L.AveragePooling2D(4, 3, (2, 1), True), X, mean2d(4, 3, (2, 1), counted=True)),
    (L.AveragePooling2D(2, padding=((0, 1), (0, 0))), X, mean2d(2, ceil_mode=True)),
    (L.AveragePooling2D(3, 2, ((1, 1), (1, 2))), X, mean2d(3, 2, 1, ceil_mode=True)),
    (L.AveragePooling2D(3, 2, "same"), X, mean_of_padded((0, 1, 1, 1), 3, 2)),
    (L.AveragePooling2D(2, 1, "same"), X, mean_of_padded((0, 1, 0, 1), 2, 1)),
    (
        L.AveragePooling2D(2, 1, ONE_AFTER, True),
        X,
        lambda x: F.avg_pool2d(F.pad(x, (0, 1, 0, 1)), 2, 1),
    ),
    (L.AveragePooling1D(2), ROW, mean1d(2)),
    (L.AveragePooling1D(3, 2, 1), ROW, mean1d(3, 2, 1)),
    (L.AveragePooling1D(3, 2, 1, True), ROW, mean1d(3, 2, 1, counted=True)),
    (L.AveragePooling1D(4, 3, (0, 2)), ROW, mean1d(4, 3, ceil_mode=True)),
    (L.GlobalMaxPooling2D(), X, lambda x: F.adaptive_max_pool2d(x, 1).flatten(1)),
    (L.GlobalMaxPooling2D(keepdims=True), (2, 17, 18), lambda x: F.adaptive_max_pool2d(x, 1)),
    (L.GlobalMaxPooling1D(), ROW, lambda x: F.adaptive_max_pool1d(x, 1).flatten(1)),
    (L.GlobalMaxPooling1D(True), (2, 600), lambda x: F.adaptive_max_pool1d(x, 1)),
    (L.GlobalAveragePooling2D(), X, lambda x: F.adaptive_avg_pool2d(x, 1).flatten(1)),
    (L.GlobalAveragePooling2D(True), (2, 17, 18), lambda x: F.adaptive_avg_pool2d(x, 1)),
    (L.GlobalAveragePooling1D(), ROW, lambda x: F.adaptive_avg_pool1d(x, 1).flatten(1)),
    (L.GlobalAveragePooling1D(True), (2, 600), lambda x: F.adaptive_avg_pool1d(x, 1)),
    (L.Maxout(2), (6, 5, 4), lambda x: x.unflatten(1, (3, 2)).amax(2)),
    (L.Maxout(3), (9,), lambda x: x.unflatten(1, (3, 3)).amax(2)),
]


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize(("layer", "shape", "function"), ROWS, ids=names_of(ROWS))
def test_values_and_gradients(layer, shape, function, backend):
    assert_as_torch(layer, samples(shape), function, backend)


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize("batch", [1, 3, 17])
def test_any_batch(batch, backend):
    assert_as_torch(L.MaxPooling2D(3, 2, 1), samples(X, batch), max2d(3, 2, 1), backend)
    assert_as_torch(L.AveragePooling2D(3, 2, 1), samples(X, batch), mean2d(3, 2, 1), backend)
