"""Convolutions, dense and locally connected layers against PyTorch."""

import pytest

from fastcnn import layers as L
from tests.torch.against import BACKENDS, F, assert_as_torch, names_of, needs_torch, samples, torch

pytestmark = needs_torch


def conv2d(border=(0, 0, 0, 0), **options):
    """border: left, right, top, bottom, as F.pad takes it."""
    return lambda x, kernel, bias=None: F.conv2d(F.pad(x, border), kernel, bias, **options)


def conv1d(border=(0, 0), **options):
    return lambda x, kernel, bias=None: F.conv1d(F.pad(x, border), kernel, bias, **options)


def transposed(cut=None, **options):
    """cut: rows and columns left of the end of what PyTorch gives."""
    return lambda x, kernel, bias=None: F.conv_transpose2d(x, kernel, bias, **options)[
        :, :, slice(*(cut or (None,))), slice(*(cut or (None,)))
    ]


def depthwise(border=(0, 0, 0, 0), **options):
    def function(x, kernel, bias=None):
        return F.conv2d(F.pad(x, border), kernel, bias, groups=x.shape[1], **options)

    return function


def separable(border=(0, 0, 0, 0), **options):
    def function(x, depthwise_kernel, pointwise_kernel, bias=None):
        between = depthwise(border, **options)(x, depthwise_kernel)
        return F.conv2d(between, pointwise_kernel, bias)

    return function


def locally_connected(size, border=(0, 0, 0, 0), stride=1):
    """Patches of the image, each with a kernel of its own."""

    def function(x, kernel, bias=None):
        rows, columns, filters, *_ = kernel.shape
        patches = F.unfold(F.pad(x, border), size, stride=stride)
        patches = patches.reshape(len(x), -1, rows, columns)
        y = torch.einsum("npij,ijfp->nfij", patches, kernel.reshape(rows, columns, filters, -1))
        return y if bias is None else y + bias

    return function


X = (3, 7, 6)
ROWS = [  # layer, shape of a sample, the same in PyTorch
    (L.Conv2D(4, 3), X, conv2d()),
    (L.Conv2D(4, 1), X, conv2d()),
    (L.Conv2D(4, (2, 3), use_bias=False), X, conv2d()),
    (L.Conv2D(4, 5, (1, 2), padding=2), X, conv2d(padding=2, stride=(1, 2))),
    (L.Conv2D(4, 3, 2), X, conv2d(stride=2)),
    (L.Conv2D(4, 3, 3, padding=(2, 0)), X, conv2d(stride=3, padding=(2, 0))),
    (L.Conv2D(4, 2, padding=((1, 0), (2, 1))), X, conv2d((2, 1, 1, 0))),
    (L.Conv2D(4, 3, padding="same"), X, conv2d(padding="same")),
    (L.Conv2D(4, (4, 2), padding="same"), X, conv2d((0, 1, 1, 2))),
    (L.Conv2D(4, 3, 2, "same"), X, conv2d((0, 1, 1, 1), stride=2)),
    (L.Conv2D(4, 4, 3, "same"), (3, 8, 9), conv2d((0, 1, 1, 1), stride=3)),
    (L.Conv2D(2, 1, 2), X, conv2d(stride=2)),
    (L.Conv2D(2, 2, 4), X, conv2d(stride=4)),
    (L.Conv2D(4, 3, dilation_rate=2), X, conv2d(dilation=2)),
    (
        L.Conv2D(4, 2, dilation_rate=(3, 2), padding="same"),
        X,
        conv2d((1, 1, 1, 2), dilation=(3, 2)),
    ),
    (L.Conv2D(2, 3, 2, 2, dilation_rate=2), X, conv2d(stride=2, padding=2, dilation=2)),
    (L.Conv2D(6, 3, groups=3), X, conv2d(groups=3)),
    (L.Conv2D(4, 3, 2, 1, groups=2), (4, 7, 6), conv2d(groups=2, stride=2, padding=1)),
    (L.Conv2D(4, 3, groups=4, dilation_rate=2), (4, 7, 6), conv2d(groups=4, dilation=2)),
    (L.Conv2D(17, 3, padding=1), (19, 5, 9), conv2d(padding=1)),
    (L.Conv2D(3, 7, padding="same"), (2, 4, 3), conv2d(padding="same")),
    (L.Conv1D(4, 3), (3, 11), conv1d()),
    (L.Conv1D(4, 4, 3, "same"), (3, 11), conv1d((1, 2), stride=3)),
    (L.Conv1D(4, 3, padding="causal", dilation_rate=2), (3, 11), conv1d((4, 0), dilation=2)),
    (L.Conv1D(6, 2, 2, (3, 1), groups=3), (3, 11), conv1d((3, 1), stride=2, groups=3)),
    (L.Conv1D(2, 1, use_bias=False), (3, 1), conv1d()),
    (L.DepthwiseConv2D(3), X, depthwise()),
    (L.DepthwiseConv2D(3, 2, "same"), X, depthwise((0, 1, 1, 1), stride=2)),
    (L.DepthwiseConv2D((2, 3), 2, 1, 3), X, depthwise((1, 1, 1, 1), stride=2)),
    (L.DepthwiseConv2D(2, dilation_rate=3, use_bias=False), X, depthwise(dilation=3)),
    (L.SeparableConv2D(5, 3), X, separable()),
    (L.SeparableConv2D(5, 3, 2, "same", 1, 2), X, separable((0, 1, 1, 1), stride=2)),
    (L.SeparableConv2D(2, 2, padding=1, dilation_rate=2), X, separable((1, 1, 1, 1), dilation=2)),
    (L.Conv2DTranspose(4, 3), X, transposed()),
    (
        L.Conv2DTranspose(4, (2, 3), (3, 2), use_bias=False),
        X,
        transposed(stride=(3, 2), output_padding=(1, 0)),
    ),
    (L.Conv2DTranspose(4, 3, 2, 1), X, transposed(stride=2, padding=1)),
    (L.Conv2DTranspose(4, 3, 2, 1, 1), X, transposed(stride=2, padding=1, output_padding=1)),
    (L.Conv2DTranspose(4, 4, 2, 1), X, transposed(stride=2, padding=1)),
    (
        L.Conv2DTranspose(4, 3, 2, (1, 2), (0, 1)),
        X,
        transposed(stride=2, padding=(1, 2), output_padding=(0, 1)),
    ),
    (L.Conv2DTranspose(4, 2, 3, 0, 2), X, transposed(stride=3, output_padding=2)),
    (L.Conv2DTranspose(4, 3, 2, "same"), X, transposed((0, -1), stride=2)),
    (L.Conv2DTranspose(4, 3, 1, "same"), X, transposed(padding=1)),
    (L.Conv2DTranspose(4, 5, 3, "same"), X, transposed((1, -1), stride=3)),
    (L.Conv2DTranspose(4, 3, dilation_rate=2), X, transposed(dilation=2)),
    (
        L.Conv2DTranspose(4, 2, 2, 1, 1, 3),
        X,
        transposed(stride=2, padding=1, output_padding=1, dilation=3),
    ),
    (L.LocallyConnected2D(4, 3), X, locally_connected(3)),
    (
        L.LocallyConnected2D(2, (2, 3), 2, "same", use_bias=False),
        X,
        locally_connected((2, 3), (0, 1, 0, 1), 2),
    ),
    (L.Dense(4), (7,), lambda x, kernel, bias: F.linear(x, kernel, bias)),
    (L.Dense(1, use_bias=False), (33,), lambda x, kernel: F.linear(x, kernel)),
    (L.Dense(65), (1,), lambda x, kernel, bias: F.linear(x, kernel, bias)),
]


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize(("layer", "shape", "function"), ROWS, ids=names_of(ROWS))
def test_values_and_gradients(layer, shape, function, backend):
    assert_as_torch(layer, samples(shape), function, backend)


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize("batch", [1, 3, 17])
@pytest.mark.parametrize("activation", ["relu", "tanh", "softplus", "selu", "silu"])
def test_with_an_activation_and_any_batch(activation, batch, backend):
    def function(x, kernel, bias):
        return getattr(F, activation)(F.conv2d(x, kernel, bias, padding=1))

    layer = L.Conv2D(4, 3, padding=1, activation=activation)
    assert_as_torch(layer, samples(X, batch), function, backend)
