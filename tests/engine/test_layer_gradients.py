"""Gradients of models with every convolution, reshaping and merging layer."""

import pytest

from fastcnn import layers as L
from fastcnn.engine.graph import Graph
from tests.engine.test_gradients import LOSSES, C, H, W, check

END = [L.Flatten()]  # the loss takes all numbers as logits: no Dense, which has many weights


def first(activation="tanh"):
    """So that the layer after it has an input gradient, through an activation's slope."""
    return L.Conv2D(2, 2, activation=activation)  # -> (2, 5, 4)


ROWS = L.Reshape((2, 20))
NETS = {
    "conv1d": [first(), ROWS, L.Conv1D(4, 3, activation="tanh"), L.Conv1D(2, 2, 3), *END],
    "conv1d_same": [first(), ROWS, L.Conv1D(4, 4, 3, "same"), *END],
    "conv1d_causal": [first(), ROWS, L.Conv1D(2, 3, padding="causal", dilation_rate=2), *END],
    "conv1d_groups": [first(), ROWS, L.Conv1D(4, 3, padding=(2, 0), groups=2), *END],
    "depthwise": [first(), L.DepthwiseConv2D(3, activation="tanh"), *END],
    "depthwise_multiplier": [first(), L.DepthwiseConv2D((2, 3), 2, "same", 2), *END],
    "depthwise_dilated": [first(), L.DepthwiseConv2D(2, dilation_rate=2, use_bias=False), *END],
    "separable": [first(), L.SeparableConv2D(4, 3, activation="relu"), *END],
    "separable_same_stride": [first(), L.SeparableConv2D(2, 2, 2, "same", 1, 2), *END],
    "separable_no_bias": [L.SeparableConv2D(2, 3, use_bias=False), *END],
    "transpose": [first(), L.Conv2DTranspose(2, 3, activation="tanh"), *END],
    "transpose_same_stride": [first(), L.Conv2DTranspose(2, 3, 2, "same"), *END],
    "transpose_even_kernel": [first(), L.Conv2DTranspose(1, 4, (2, 3), "same"), *END],
    "transpose_output_padding": [first(), L.Conv2DTranspose(2, 3, 2, "same", 1), *END],
    "transpose_gaps": [first(), L.Conv2DTranspose(2, 2, 3, use_bias=False), *END],
    "transpose_dilated": [first(), L.Conv2DTranspose(2, 2, padding=1, dilation_rate=2), *END],
    "transpose_first": [L.Conv2DTranspose(2, 2, 2), L.Conv2D(2, 3, activation="relu"), *END],
    "local": [first(), L.LocallyConnected2D(2, 3, activation="tanh"), *END],
    "local_same_stride": [first(), L.LocallyConnected2D(2, (2, 3), 2, "same"), *END],
    "local_no_bias": [L.LocallyConnected2D(1, 4, padding=1, use_bias=False), *END],
    "max_pool1d": [first(), ROWS, L.MaxPooling1D(3, 2, "same"), *END],
    "average_pool1d": [first("relu"), ROWS, L.AveragePooling1D(3, 2, (1, 0)), *END],
    "global_average1d": [first(), ROWS, L.GlobalAveragePooling1D()],
    "global_max1d": [first(), ROWS, L.GlobalMaxPooling1D()],
    "global_keepdims": [
        first(),
        L.GlobalMaxPooling2D(keepdims=True),
        L.Conv2D(3, 1),
        L.GlobalAveragePooling2D(keepdims=True),
        *END,
    ],
    "nearest": [first(), L.UpSampling2D((2, 3)), L.Conv2D(2, 2, 2), *END],
    "bilinear": [first(), L.UpSampling2D((3, 2), "bilinear"), L.Conv2D(2, 3, 3), *END],
    "zero_padding": [first(), L.ZeroPadding2D(((1, 0), (2, 1))), L.Conv2D(2, 3, 2), *END],
    "zero_padding_then_same": [L.ZeroPadding2D(1), L.Conv2D(2, 3, 2, "same"), *END],
    "zero_padding_then_flat": [first(), L.ZeroPadding2D((0, 1)), *END],
    "cropping": [first(), L.Cropping2D(((1, 0), (1, 1))), L.Conv2D(2, 2), *END],
    "permute": [first(), L.Permute((3, 1, 2)), L.Conv2D(2, 2), *END],
    "permute_rows": [first(), ROWS, L.Permute((2, 1)), L.Conv1D(2, 2), *END],
}


@pytest.mark.parametrize("name", NETS)
def test_gradients(name):
    check(Graph.chain((C, H, W), NETS[name]), LOSSES[0])


MERGES = [
    L.Add(),
    L.Add(activation="tanh"),
    L.Multiply(),
    L.Multiply(activation="relu"),
    L.Average(),
    L.Average(activation="tanh"),
    L.Maximum(),
    L.Maximum(activation="tanh"),
    L.Concatenate(),
    L.Concatenate(activation="tanh"),
]


def branched(merge, branches):
    """One branch is what the others read, one is linear, one ends with an activation."""
    graph = Graph((2, 4, 4))
    start = graph.apply(L.Conv2D(2, 3, padding="same", activation="tanh"), graph.input)
    linear = graph.apply(L.Conv2D(2, 3, padding="same"), start)
    curved = graph.apply(L.Conv2D(2, 3, padding="same", activation="sigmoid"), start)
    merged = graph.apply(merge, *[start, linear, curved][:branches])
    after = graph.apply(L.Conv2D(2, 2, activation="relu"), merged)
    graph.apply(L.Flatten(), after)
    return graph


@pytest.mark.parametrize("branches", [2, 3])
@pytest.mark.parametrize("merge", MERGES, ids=repr)
def test_merged_branches(merge, branches):
    check(branched(merge, branches), LOSSES[0])


@pytest.mark.parametrize("merge", [L.Add(), L.Multiply(), L.Average(), L.Concatenate()], ids=repr)
def test_a_tensor_merged_with_itself(merge):
    graph = Graph((2, 4, 4))
    x = graph.apply(L.Conv2D(2, 3, activation="tanh"), graph.input)
    merged = graph.apply(merge, x, x, x)
    graph.apply(L.Flatten(), merged)
    check(graph, LOSSES[0])


@pytest.mark.parametrize("axis", [1, 2, -2, 3])
def test_concatenation_along_any_axis(axis):
    """Branches of different sizes along the axis."""
    graph = Graph((2, 5, 5))
    x = graph.apply(L.Conv2D(2, 2, activation="tanh"), graph.input)  # (2, 4, 4)
    kernel = {1: (2, 1), 2: (1, 2), -2: (1, 2), 3: 1}[axis]
    z = graph.apply(L.Conv2D(3 if axis == 3 else 2, kernel), x)
    merged = graph.apply(L.Concatenate(axis), x, z)
    graph.apply(L.Flatten(), merged)
    check(graph, LOSSES[0])


def test_concatenation_of_features_and_of_rows():
    graph = Graph((2, 3, 3))
    flat = graph.apply(L.Flatten(), graph.apply(L.Conv2D(2, 2, activation="tanh"), graph.input))
    features = graph.apply(L.Concatenate(), flat, graph.apply(L.Dense(5), flat))
    row = graph.apply(L.Reshape((1, 13)), features)
    longer = graph.apply(L.Concatenate(axis=1), row, graph.apply(L.Conv1D(1, 3), row))
    graph.apply(L.Flatten(), longer)
    check(graph, LOSSES[0])
