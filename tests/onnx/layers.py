"""ONNX' operators as layers: what a case's attributes are called here, and its outputs by them.

Each function takes a case and a backend and returns the outputs that the layer has, in the case's
order. ONNX' arrays are samples as they are where their first axis is the batch; where an operator
knows no batch, an array is one sample.
"""

from math import prod

import numpy as np

from fastcnn import layers as L
from fastcnn.engine.activation import make_activation
from fastcnn.kernels.geometry import extent, same_padding
from tests.onnx.cases import as_float
from tests.run_layers import run_layers


def run(layer, xs, parameters, backend, dy=None):
    xs = [as_float(x) for x in xs]
    return run_layers([layer], xs, dy, parameters, backend)


# ---- windows


def _window(case, size, kernel):
    """(strides, dilations, [(before, after)]) along each axis."""
    ones, axes = [1] * len(kernel), len(kernel)
    strides, dilations = case.get("strides", ones), case.get("dilations", ones)
    pads = case.get("pads", [0] * (2 * axes))
    borders = list(zip(pads[:axes], pads[axes:], strict=True))
    steps = list(zip(size, kernel, strides, dilations, strict=True))
    if case.get("auto_pad", "NOTSET").startswith("SAME"):
        borders = [same_padding(*step) for step in steps]
    if case.get("auto_pad", "NOTSET") == "SAME_LOWER":
        borders = [(after, before) for before, after in borders]
    if case.get("ceil_mode", 0):
        borders = [_ceil(*step[:3], *border) for step, border in zip(steps, borders, strict=True)]
    return tuple(strides), tuple(dilations), borders


def _ceil(size, kernel, stride, before, after):
    """Padding for a last window that sticks out, unless nothing of it were image or padding."""
    windows = -(-(size + before + after - kernel) // stride) + 1
    if (windows - 1) * stride >= size + before:
        windows -= 1
    return before, max(after, (windows - 1) * stride + kernel - size - before)


def _padding(borders):
    return borders[0] if len(borders) == 1 else tuple(borders)


def conv(case, backend):
    x, w, b = (*case.inputs, None)[:3]
    strides, dilations, borders = _window(case, x.shape[2:], w.shape[2:])
    layer = {1: L.Conv1D, 2: L.Conv2D}[x.ndim - 2](
        len(w),
        w.shape[2:],
        strides,
        _padding(borders),
        dilations,
        case.get("group", 1),
        use_bias=b is not None,
    )
    return [run(layer, [x], {"kernel": w, "bias": b}, backend).y]


def conv_transpose(case, backend):
    """A row is an image of height 1."""
    x, w = case.inputs
    rows = x.ndim == 3
    if rows:
        x, w = x[:, :, None], w[:, :, None]
    kernel = w.shape[2:]
    ones = [1] * len(kernel)
    strides, dilations = case.get("strides", ones), case.get("dilations", ones)
    more = case.get("output_padding", [0] * len(kernel))
    pads = case.get("pads", [0] * 2 * len(kernel))
    borders = list(zip(pads[: len(kernel)], pads[len(kernel) :], strict=True))
    if "output_shape" in case.attributes or "auto_pad" in case.attributes:
        full = [
            (n - 1) * s + extent(k, d) + o
            for n, s, k, d, o in zip(x.shape[2:], strides, kernel, dilations, more, strict=True)
        ]
        same = [n * s for n, s in zip(x.shape[2:], strides, strict=True)]
        wanted = case.get("output_shape", same)
        cut = [have - want for have, want in zip(full, wanted, strict=True)]
        borders = [(max(c, 0) // 2, max(c, 0) - max(c, 0) // 2) for c in cut]
        more = [o + max(-c, 0) for o, c in zip(more, cut, strict=True)]
    padding = tuple(borders)
    layer = L.Conv2DTranspose(
        w.shape[1], kernel, tuple(strides), padding, tuple(more), tuple(dilations), use_bias=False
    )
    y = run(layer, [x], {"kernel": w}, backend).y
    return [y[:, :, 0] if rows else y]


def max_pool(case, backend):
    (x,), kernel = case.inputs, case.attributes["kernel_shape"]
    strides, _, borders = _window(case, x.shape[2:], kernel)
    layer = {1: L.MaxPooling1D, 2: L.MaxPooling2D}[len(kernel)]
    return [run(layer(kernel, strides, _padding(borders)), [x], {}, backend).y]


def average_pool(case, backend):
    (x,), kernel = case.inputs, case.attributes["kernel_shape"]
    strides, _, borders = _window(case, x.shape[2:], kernel)
    layer = {1: L.AveragePooling1D, 2: L.AveragePooling2D}[len(kernel)]
    counted = bool(case.get("count_include_pad", 0))
    return [run(layer(kernel, strides, _padding(borders), counted), [x], {}, backend).y]


def plain(layer, **options):
    """An operator without attributes."""
    return lambda case, backend: [run(layer(**options), case.inputs, {}, backend).y]


# ---- normalisation


def batch_normalization(case, backend):
    x, gamma, beta, mean, var = case.inputs
    layer = L.BatchNormalization(case.get("momentum", 0.9), case.get("epsilon", 1e-5))
    parameters = {"gamma": gamma, "beta": beta, "moving_mean": mean, "moving_var": var}
    training = case.get("training_mode", 0)
    result = run(layer, [x], parameters, backend, np.zeros(x.shape) if training else None)
    kept = [result.parameters[name] for name in ("moving_mean", "moving_var")]
    return [result.y, *kept] if training else [result.y]


def lrn(case, backend):
    options = [case.attributes["size"], case.get("alpha", 1e-4), case.get("beta", 0.75)]
    layer = L.LocalResponseNormalization(*options, case.get("bias", 1.0))
    return [run(layer, case.inputs, {}, backend).y]


def layer_normalization(case, backend):
    """All axes from `axis` on are the features."""
    x, gamma, beta = case.inputs
    axis = case.get("axis", -1) % x.ndim
    rows = x.reshape(prod(x.shape[:axis]), -1)
    parameters = {"gamma": gamma.reshape(-1), "beta": beta.reshape(-1)}
    layer = L.LayerNormalization(case.get("epsilon", 1e-5))
    return [run(layer, [rows], parameters, backend).y.reshape(x.shape)]


def group_normalization(case, backend):
    x, gamma, beta = case.inputs
    layer = L.GroupNormalization(case.get("num_groups", -1), case.get("epsilon", 1e-5))
    return [run(layer, [x], {"gamma": gamma, "beta": beta}, backend).y]


# ---- activations


def activation(name, **attributes):
    """attributes: our option = (ONNX' attribute, its default)."""

    def translate(case, backend):
        options = {ours: case.get(*theirs) for ours, theirs in attributes.items()}
        layer = make_activation({"name": name, **options}).layer()
        (x,) = case.inputs
        return [run(layer, [x.reshape(1, -1)], {}, backend).y.reshape(x.shape)]

    return translate


def gelu(case, backend):
    tanh = case.get("approximate", "none") == "tanh"
    return activation("gelu_tanh" if tanh else "gelu")(case, backend)


def over_channels(layer):
    """softmax and log-softmax: `axis` takes the channels' place."""

    def translate(case, backend):
        x = np.moveaxis(case.inputs[0], case.get("axis", -1), 0)
        y = run(layer(), [x[None]], {}, backend).y[0]
        return [np.moveaxis(y, 0, case.get("axis", -1))]

    return translate


def prelu(case, backend):
    """The whole array is one sample (channels, height, width)."""
    x, slope = case.inputs
    alpha = slope.reshape((1,) * (3 - slope.ndim) + slope.shape)
    numbers = zip((3, 1, 2), alpha.shape, x.shape, strict=True)
    layer = L.PReLU(shared_axes=[axis for axis, a, n in numbers if a < n])
    return [run(layer, [x[None]], {"alpha": alpha}, backend).y[0]]


# ---- dense


def gemm(case, backend):
    """alpha and beta go into the weights; a matrix C is added."""
    a, b, c = (*case.inputs, None)[:3]
    x = a.T if case.get("transA", 0) else a
    w = case.get("alpha", 1.0) * (b if case.get("transB", 0) else b.T)
    c = None if c is None else case.get("beta", 1.0) * as_float(c)
    matrix = c is not None and c.ndim == 2 and len(c) > 1
    layer = L.Dense(len(w), use_bias=c is not None and not matrix)
    bias = np.broadcast_to(np.reshape(c, -1), len(w)) if layer.use_bias else None
    y = run(layer, [x], {"kernel": w, "bias": bias}, backend).y
    return [run(L.Add(), [y, c], {}, backend).y if matrix else y]


def matmul(case, backend):
    """A product with a vector is a dense layer of one row, or of all columns side by side."""
    a, b = case.inputs
    if a.ndim == 1 and b.ndim > 1:
        x, w = a[None], np.moveaxis(b, -2, -1).reshape(-1, len(a))
    else:
        x, w = a.reshape(-1, a.shape[-1]), b[None] if b.ndim == 1 else b.T
    y = run(L.Dense(len(w), use_bias=False), [x], {"kernel": w}, backend).y
    return [y.reshape(case.outputs[0].shape)]


# ---- shapes


def reshape(case, backend):
    """The first axis is the batch where it stays and there are more than three."""
    x, shape = case.inputs[0], case.outputs[0].shape
    if len(shape) > 3 and shape[0] == len(x):
        return [run(L.Reshape(shape[1:]), [x], {}, backend).y]
    one = shape[1:] if len(shape) > 3 else shape
    return [run(L.Reshape(one), [x[None]], {}, backend).y.reshape(shape)]


def transpose(case, backend):
    """Permute's numbers are Keras': 1 and 2 are rows and columns, 3 the channels."""
    (x,) = case.inputs
    order = [axis or 3 for axis in case.get("perm", [2, 1, 0])]
    return [run(L.Permute((*order[1:], order[0])), [x[None]], {}, backend).y[0]]


def concat(case, backend):
    axis = case.attributes["axis"] % case.inputs[0].ndim
    layer = L.Concatenate(axis=axis or -1)
    return [run(layer, [x[None] for x in case.inputs], {}, backend).y[0]]


def merge(layer):
    def translate(case, backend):
        return [run(layer(), [x[None] for x in case.inputs], {}, backend).y[0]]

    return translate


def up_sampling(case, backend):
    """Of images, by whole numbers."""
    x, y = case.inputs[0], case.outputs[0]
    size = tuple(b // a for a, b in zip(x.shape[2:], y.shape[2:], strict=True))
    kind = {"nearest": "nearest", "linear": "bilinear"}[case.get("mode", "nearest")]
    return [run(L.UpSampling2D(size, kind), [x], {}, backend).y]


def dropout(case, backend):
    """Without a third input, or if that is False, it is prediction."""
    x, ratio, training = (*case.inputs, None, None)[:3]
    rate = float(case.get("ratio", 0.5) if ratio is None else ratio)
    rows = x.reshape(1, -1)
    dy = np.ones(rows.shape) if training is not None and bool(training) else None
    return [run(L.Dropout(rate), [rows], {}, backend, dy).y.reshape(x.shape)]


LAYERS = {
    "Conv": conv,
    "ConvTranspose": conv_transpose,
    "MaxPool": max_pool,
    "AveragePool": average_pool,
    "GlobalAveragePool": plain(L.GlobalAveragePooling2D, keepdims=True),
    "GlobalMaxPool": plain(L.GlobalMaxPooling2D, keepdims=True),
    "BatchNormalization": batch_normalization,
    "LRN": lrn,
    "LayerNormalization": layer_normalization,
    "GroupNormalization": group_normalization,
    "InstanceNormalization": group_normalization,
    "Elu": activation("elu", alpha=("alpha", 1.0)),
    "Selu": activation("selu"),
    "LeakyRelu": activation("leaky_relu", negative_slope=("alpha", 0.01)),
    "PRelu": prelu,
    "Relu": activation("relu"),
    "ThresholdedRelu": activation("relu", threshold=("alpha", 1.0)),
    "Sigmoid": activation("sigmoid"),
    "HardSigmoid": activation("hard_sigmoid"),
    "Tanh": activation("tanh"),
    "Softmax": over_channels(L.Softmax),
    "LogSoftmax": over_channels(L.LogSoftmax),
    "Softplus": activation("softplus"),
    "Softsign": activation("softsign"),
    "Gelu": gelu,
    "Mish": activation("mish"),
    "Swish": activation("swish"),
    "Gemm": gemm,
    "MatMul": matmul,
    "Flatten": plain(L.Flatten),
    "Reshape": reshape,
    "Transpose": transpose,
    "Concat": concat,
    "Add": merge(L.Add),
    "Sum": merge(L.Add),
    "Mul": merge(L.Multiply),
    "Mean": merge(L.Average),
    "Max": merge(L.Maximum),
    "Dropout": dropout,
    "Upsample": up_sampling,
    "Resize": up_sampling,
    "Pad": plain(L.ZeroPadding2D),
}
