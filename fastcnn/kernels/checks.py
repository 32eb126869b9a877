"""What the shapes of a kernel's tensors must have to do with each other, beyond equal axes.

C computes addresses from these shapes and checks nothing again: a wrong shape must be caught here.
"""

from typing import Any

import numpy as np

from fastcnn.errors import ShapeError
from fastcnn.kernels.geometry import gradient_reach, output_size

Arrays = dict[str, np.ndarray | None]
Params = dict[str, Any]


def expect(name: str, what: str, got: object, wanted: object) -> None:
    if got != wanted:
        raise ShapeError(f"{name}: {what} must be {wanted}, not {got}")


def contiguous_pixels(name: str, arrays: Arrays) -> None:
    """In activations pixels and their lanes follow each other; all else is C-contiguous."""
    for tensor, a in arrays.items():
        if a is None or not a.size:
            continue
        stride = a.itemsize
        for axis in range(a.ndim - 1, a.ndim - 3 if a.ndim == 5 else -1, -1):
            if a.shape[axis] > 1 and a.strides[axis] != stride:
                raise ShapeError(
                    f"{name}: axis {axis} of {tensor} must have a stride of {stride} bytes,"
                    f" not {a.strides[axis]}"
                )
            stride *= a.shape[axis]


def groups_and_steps(name: str, channels: int, w: np.ndarray, params: Params) -> None:
    groups = params["groups"]
    if groups < 1 or channels != groups * w.shape[1] or w.shape[0] % groups:
        raise ShapeError(
            f"{name}: {channels} input channels and weights {w.shape} do not fit {groups} groups"
        )
    for key in ("stride_h", "stride_w", "dilation_h", "dilation_w"):
        if params[key] < 1:
            raise ShapeError(f"{name}: {key} must be at least 1, not {params[key]}")


def conv2d(name: str, arrays: Arrays, params: Params) -> None:
    """x, weights and what the convolution yields (y or dy), with or without 2x2 pooling."""
    x, w = arrays["x"], arrays["w"] if "w" in arrays else arrays["dw"]
    out = arrays["dy"] if "dy" in arrays else arrays["y"]
    assert x is not None and w is not None and out is not None
    contiguous_pixels(name, arrays)
    groups_and_steps(name, x.shape[1], w, params)
    expect(name, "the number of output channels", out.shape[1], w.shape[0])
    pooled = "index" in arrays
    for axis, size in zip("hw", range(2), strict=True):
        n = output_size(
            x.shape[2 + size],
            w.shape[2 + size],
            params[f"stride_{axis}"],
            params[f"dilation_{axis}"],
        )
        expect(name, f"the output's {axis}", out.shape[2 + size], n // 2 if pooled else n)
    if pooled and x.shape[-1] % 16:
        raise ShapeError(f"{name} needs a multiple of 16 lanes, not {x.shape[-1]}")


def conv2d_backward_input(name: str, arrays: Arrays, params: Params) -> None:
    """The halo of dy holds whatever the taps reach."""
    dy, w, dx = arrays["dy"], arrays["w"], arrays["dx"]
    assert dy is not None and w is not None and dx is not None
    contiguous_pixels(name, arrays)
    groups_and_steps(name, dx.shape[1], w, params)
    for d, (axis, before) in enumerate((("h", "top"), ("w", "left"))):
        halo = params[f"halo_{before}"]
        reach = gradient_reach(
            dx.shape[2 + d],
            w.shape[2 + d],
            params[f"stride_{axis}"],
            params[f"dilation_{axis}"],
            params[f"pad_{before}"],
        )
        if reach and (reach[0] + halo < 0 or reach[1] + halo >= dy.shape[2 + d]):
            raise ShapeError(
                f"{name}: the taps reach from {reach[0] + halo} to {reach[1] + halo} along {axis}"
                f" of dy, which has {dy.shape[2 + d]} there with its halo;"
                " geometry.gradient_halo says how much"
            )
