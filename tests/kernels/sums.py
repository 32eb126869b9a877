"""Sums of absolute terms: what the rounding of a sum is judged by.

A sum may cancel to next to nothing while its rounding stays in proportion to its terms. So a
tolerance beside the result would fail by chance, and one that never does would find nothing.
"""

import numpy as np

from fastcnn.kernels.spec import OPS

# Sums of products of these: with absolute values in place of them, the terms are absolute ones.
FACTORS = ("x", "w", "b", "dy", "z")
PRODUCTS = {
    *("bias_backward", "avg_pool2d_forward", "avg_pool2d_backward", "max_pool2d_backward"),
    *("upsample2d_nearest_backward", "upsample2d_bilinear_backward"),
    *(
        f"{family}_{side}"
        for family in ("conv2d", "conv2d_bf16", "dense", "local2d")
        for side in ("forward", "backward_input", "backward_weight")
    ),
    *(
        f"{family}_{side}"
        for family in ("winograd", "winograd_bf16")
        for side in ("forward", "max_pool_forward", "backward_input")
    ),
    *("conv2d_max_pool_forward", "conv2d_single_max_pool_forward", "conv2d_transpose_forward"),
    *("conv2d_max_pool_backward_weight", "winograd_single_max_pool_forward"),
}
# Sums whose terms were transformed with signs: the largest one tells their size.
TRANSFORMED = {"winograd_backward_weight", "winograd_bf16_backward_weight"}
PLACES = (0, 2, 3, 4)  # all axes of an image tensor but the channels


def absolute_terms(run, name, arrays, params):
    """{output: sum of absolute terms of each number, or the largest}; without those that are none.

    run: the reference on these arrays, float64.
    """
    if name in PRODUCTS:
        return _products(run, name, arrays, params)
    if name in TRANSFORMED:
        found = _products(run, name, arrays, params)
        return {out: np.abs(value).max() for out, value in found.items()}
    if name == "winograd_weight_gradient":
        found = run(name, _absolute(arrays, ("sums", "bias_sums")), **params)
        return {out: np.abs(value).max() for out, value in found.items()}
    if name == "prelu_backward_weight":  # all terms have the sign of x where it is negative
        found = run(name, _absolute(arrays, ("dy",)), **params)
        return {out: np.abs(value) for out, value in found.items()}
    if name in ("softmax_backward", "log_softmax_backward"):
        return {"dx": _softmax(name, arrays)}
    if name == "orthogonal_penalty":
        return _orthogonal(arrays, **params)
    return _normalisation(name, arrays, params) if "_norm_backward" in name else {}


def _absolute(arrays, names):
    return {k: np.abs(v) if k in names and v is not None else v for k, v in arrays.items()}


def _products(run, name, arrays, params):
    """Slopes of activations, which follow from y, are not negative, and stay."""
    if "y" in arrays and OPS[name].is_output("y") and "activation" in params:
        params = {**params, "activation": "linear"}
    found = run(name, _absolute(arrays, FACTORS), **params)
    return {k: v for k, v in found.items() if v.dtype.kind == "f"}


def _softmax(name, arrays):
    dy, y = np.abs(arrays["dy"]), arrays["y"]
    if name == "softmax_backward":
        return y * (dy + (dy * y).sum(axis=1, keepdims=True))
    return dy + np.exp(y) * dy.sum(axis=1, keepdims=True)


def _orthogonal(arrays, *, factor, rows):
    """dw = scale sum_j (sign r[j] - |cosine| r[i]) / |v[i]|, see the reference."""
    if arrays.get("dw") is None:
        return {}
    w = arrays["w"]
    units = w.transpose(1, 0, 2).reshape(w.shape[1], -1)
    v = units.T if rows else units
    norms = np.maximum(np.sqrt((v**2).sum(axis=1, keepdims=True)), 1e-7)
    r = np.abs(v / norms)
    cosines = np.abs(v / norms @ (v / norms).T)
    np.fill_diagonal(cosines, 0)
    scale = factor / max(len(v) * (len(v) - 1) / 2, 1)
    terms = scale * (r.sum(axis=0) + cosines.sum(axis=1, keepdims=True) * r) / norms
    terms = terms.T if rows else terms
    back = terms.reshape(w.shape[1], w.shape[0], w.shape[2]).transpose(1, 0, 2)
    return {"dw": np.abs(arrays["dw"]) + back}


def _normalisation(name, arrays, params):
    """dx = inv_std (g - mean(g) - xhat mean(g xhat)), dgamma = sum dy xhat, dbeta = sum dy"""
    x, dy, gamma = arrays["x"], np.abs(arrays["dy"]), arrays.get("gamma")
    spread, mean_of = _statistics(name, x, params)
    inv_std = spread(arrays["inv_std"])
    xhat = np.abs((x - spread(arrays["mean"])) * inv_std)
    if "order" in arrays:
        dy = dy * (arrays["order"] >= 0)[:, None, None, None, :]
    g = dy if gamma is None else dy * np.abs(gamma)[:, None, None, None]
    return {
        "dx": inv_std * (g + mean_of(g) + xhat * mean_of(g * xhat)),
        "dgamma": (dy * xhat).sum(axis=PLACES),
        "dbeta": dy.sum(axis=PLACES),
    }


def _statistics(name, x, params):
    """(statistic -> an array that goes with x, the mean over what shares a statistic)"""
    if name.startswith("batch"):
        return lambda s: s[:, None, None, None], lambda v: v.mean(axis=PLACES)[:, None, None, None]
    if name.startswith("layer"):
        return lambda s: s[:, None], lambda v: v.mean(axis=1, keepdims=True)
    groups = params["groups"]

    def spread(statistic):
        return np.repeat(statistic, x.shape[1] // groups, axis=1)[:, :, None, None]

    def mean_of(values):
        grouped = values.reshape(x.shape[0], groups, -1, *x.shape[2:])
        return spread(grouped.mean(axis=(2, 3, 4)))

    return spread, mean_of
