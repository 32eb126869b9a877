"""What the shapes of a kernel's tensors must have to do with each other, beyond equal axes.

C computes addresses from these shapes and looks at nothing twice: a wrong shape must end here.
"""

import math
from typing import Any

import numpy as np

from fastcnn.errors import OptionError, ShapeError
from fastcnn.kernels.geometry import gradient_reach, output_size

Arrays = dict[str, np.ndarray | None]
Params = dict[str, Any]
HYPER = {"adam_update": 3, "adamax_update": 2, "nadam_update": 4, "radam_update": 4}
SQUARE_SUM_PIECE = 4096  # floats; as in csrc/gradient_impl.h
STRIDE_1 = {"stride_h": 1, "stride_w": 1, "dilation_h": 1, "dilation_w": 1, "groups": 1}
WINOGRAD_SIDES = {3: (6, 4), 5: (6,)}  # of tiles of inputs, by kernel
MAX_POOL_CELLS = 255  # a place in a window is stored in a byte; 255 stands for none


def expect(name: str, what: str, got: object, wanted: object) -> None:
    if got != wanted:
        raise ShapeError(f"{name}: {what} must be {wanted}, not {got}")


def contiguous_pixels(name: str, arrays: Arrays, strided: tuple[str, ...] = ()) -> None:
    """Pixels and their lanes follow each other in activations (5 axes), the lanes in flat ones (3).

    All else is C-contiguous, but for `strided`: tensors whose kernel reads all strides itself.
    """
    for tensor, a in arrays.items():
        if a is None or not a.size or tensor in strided:
            continue
        stride = a.itemsize
        for axis in range(a.ndim - 1, {5: 2, 3: 1}.get(a.ndim, -1), -1):
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
    groups_and_steps(name, x.shape[1], w, params)
    expect(name, "the number of output channels", out.shape[1], w.shape[0])
    pooled = "max_pool" in name
    for axis, size in zip("hw", range(2), strict=True):
        n = output_size(
            x.shape[2 + size],
            w.shape[2 + size],
            params[f"stride_{axis}"],
            params[f"dilation_{axis}"],
        )
        expect(name, f"the output's {axis}", out.shape[2 + size], n // 2 if pooled else n)
    if "index" in arrays and x.shape[-1] % 16:
        raise ShapeError(f"{name} needs a multiple of 16 lanes, not {x.shape[-1]}")


def conv2d_single(name: str, arrays: Arrays, params: Params) -> None:
    """As conv2d, of single images, in steps of one pixel and one group."""
    conv2d(name, arrays, params)
    single_lane(name, arrays)
    for key in ("groups", "stride_h", "stride_w"):
        expect(name, key, params[key], 1)


def single_lane(name: str, arrays: Arrays) -> None:
    x = arrays["x"]
    expect(name, "the number of lanes", None if x is None else x.shape[-1], 1)


def conv2d_backward_input(name: str, arrays: Arrays, params: Params) -> None:
    """The halo of dy holds whatever the taps reach. The transposed convolution calls dy x."""
    forward = "dx" not in arrays
    dy, w, dx = (arrays[t] for t in (("x", "w", "y") if forward else ("dy", "w", "dx")))
    assert dy is not None and w is not None and dx is not None
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
            read = "x" if forward else "dy"
            raise ShapeError(
                f"{name}: taps reach from {reach[0] + halo} to {reach[1] + halo} along {axis} of"
                f" {read}, of size {dy.shape[2 + d]} with its halo; see geometry.gradient_halo"
            )


def conv2d_bf16(name: str, arrays: Arrays, params: Params) -> None:
    """As conv2d or conv2d_backward_input, of one group and whole vectors of images."""
    (conv2d if "x" in arrays else conv2d_backward_input)(name, arrays, params)
    expect(name, "the number of groups", params["groups"], 1)
    lanes = arrays["x" if "x" in arrays else "dy"]
    if lanes is not None and lanes.shape[-1] % 16:
        raise ShapeError(f"{name} needs a multiple of 16 lanes, not {lanes.shape[-1]}")


def winograd_tiles(name: str, kernel: tuple[int, ...], side: int) -> None:
    if kernel not in ((3, 3), (5, 5)):
        raise ShapeError(f"{name} takes kernels of 3x3 or 5x5, not {kernel[0]}x{kernel[1]}")
    sides = WINOGRAD_SIDES[kernel[0]]
    if side not in sides:
        wanted = " or ".join(f"{s}x{s}" for s in sorted(sides))
        raise ShapeError(
            f"{name}: kernels of {kernel[0]}x{kernel[1]} have tiles of {wanted}, not {side}x{side}"
        )


def winograd_lanes(name: str, lanes: int, single: bool = False) -> None:
    """single: whether there is a kernel for images that lie alone."""
    if lanes % 16 and not (single and lanes == 1):
        wanted = "1 lane or a multiple of 16" if single else "a multiple of 16 lanes"
        raise ShapeError(f"{name} needs {wanted}, not {lanes}")


def winograd(name: str, arrays: Arrays, params: Params) -> None:
    """Square kernels that have tiles. What lies beyond the image reads as zeros, however far."""
    x, w = arrays["x"] if "x" in arrays else arrays["dy"], arrays["w"]
    assert x is not None and w is not None
    single = name in ("winograd_forward", "winograd_single_max_pool_forward")
    winograd_tiles(name, w.shape[2:], params["side"])
    winograd_lanes(name, x.shape[-1], single)
    if "x" in arrays:
        expect(name, "the number of input channels", x.shape[1], w.shape[1])
    winograd_pads(name, params)


def winograd_single(name: str, arrays: Arrays, params: Params) -> None:
    winograd(name, arrays, params)
    single_lane(name, arrays)


def winograd_pads(name: str, params: Params) -> None:
    for key in ("pad_top", "pad_left"):
        if params[key] < 0:
            raise ShapeError(f"{name}: {key} must not be negative, but is {params[key]}")


def winograd_backward_weight(name: str, arrays: Arrays, params: Params) -> None:
    x, dy, sums = (arrays[tensor] for tensor in ("x", "dy", "sums"))
    assert x is not None and dy is not None and sums is not None
    winograd_lanes(name, x.shape[-1])
    winograd_pads(name, params)
    winograd_sums(name, sums, (params["kernel"],) * 2, dy.shape[1])


def winograd_weight_gradient(name: str, arrays: Arrays, params: Params) -> None:
    sums, dw = arrays["sums"], arrays["dw"]
    assert sums is not None and dw is not None
    winograd_sums(name, sums, dw.shape[2:], dw.shape[0])
    if arrays["db"] is not None and arrays["bias_sums"] is None:
        raise ShapeError(f"{name}: db is the sum of bias_sums, which are missing")


def winograd_sums(name: str, sums: np.ndarray, kernel: tuple[int, ...], filters: int) -> None:
    """For each share of the tiles and each position in one; rows of filters are whole vectors."""
    if sums.shape[0] < 1:
        raise ShapeError(f"{name} needs at least one share of sums")
    side = math.isqrt(sums.shape[1])
    if side * side != sums.shape[1]:
        raise ShapeError(f"{name}: {sums.shape[1]} positions are no square tile")
    winograd_tiles(name, kernel, side)
    expect(name, "the length of rows of sums", sums.shape[3], -(-filters // 16) * 16)


def pool2d(name: str, arrays: Arrays, params: Params) -> None:
    """Image (x or dx) and what its windows yield (y or dy)."""
    image = arrays["x"] if "x" in arrays else arrays["dx"]
    pooled = arrays["dy"] if "dy" in arrays else arrays["y"]
    assert image is not None and pooled is not None
    for axis, before in ((2, "top"), (3, "left")):
        letter = "hw"[axis - 2]
        window, stride = params[f"window_{letter}"], params[f"stride_{letter}"]
        pad, size, windows = params[f"pad_{before}"], image.shape[axis], pooled.shape[axis]
        if window < 1 or stride < 1 or pad < 0:
            raise ShapeError(
                f"{name}: along {letter} the window ({window}) and stride ({stride}) must be at"
                f" least 1, the padding ({pad}) at least 0"
            )
        # No kernel is told the padding at the end; as much as at the beginning is allowed there.
        if (windows - 1) * stride >= size + 2 * pad:
            raise ShapeError(
                f"{name}: {windows} windows along {letter}, {stride} apart, do not fit {size}"
                f" pixels with a padding of {pad}"
            )


def max_pool2d(name: str, arrays: Arrays, params: Params) -> None:
    window = params["window_h"], params["window_w"]
    if window[0] * window[1] > MAX_POOL_CELLS:
        raise OptionError(f"{name}: a window has at most {MAX_POOL_CELLS} cells, not {window}")
    pool2d(name, arrays, params)


def optimizer(name: str, arrays: Arrays, params: Params) -> None:
    """Segments lie one after the other in the flat parameters, each with its penalties."""
    p, bounds, penalties = (arrays[tensor] for tensor in ("p", "bounds", "penalties"))
    assert p is not None and bounds is not None and penalties is not None
    expect(name, "the number of bounds", len(bounds), len(penalties) + 1)
    segments(name, p, bounds)
    hyper, least = arrays.get("hyper"), HYPER.get(name, 1)
    if hyper is not None and len(hyper) < least:
        raise ShapeError(f"{name} needs {least} numbers in hyper, not {len(hyper)}")
    for tensor in ("p_squares", "g_squares"):
        squares = arrays.get(tensor)
        if squares is not None:
            expect(name, f"the length of {tensor}", len(squares), square_sum_count(bounds))


def segments(name: str, p: np.ndarray, bounds: np.ndarray) -> None:
    steps = np.diff(bounds, prepend=0, append=len(p))
    if (steps < 0).any():
        raise ShapeError(f"{name}: bounds must rise from 0 to at most {len(p)}, not {bounds}")


def square_sum_count(bounds: np.ndarray) -> int:
    """Pieces of all segments."""
    return int((-(-np.diff(bounds) // SQUARE_SUM_PIECE)).sum())


def square_sums(name: str, arrays: Arrays, params: Params) -> None:
    p = arrays["p"] if "p" in arrays else arrays["g"]
    bounds, squares = arrays["bounds"], arrays["squares"]
    assert p is not None and bounds is not None and squares is not None
    segments(name, p, bounds)
    expect(name, "the length of squares", len(squares), square_sum_count(bounds))


def dropout(name: str, arrays: Arrays, params: Params) -> None:
    out = arrays["dx"] if "dx" in arrays else arrays["y"]
    assert out is not None
    if out.shape[-1] not in (1, 4, 8, 16):
        raise ShapeError(f"{name} takes 1, 4, 8 or 16 lanes, not {out.shape[-1]}")


def batch_norm(name: str, arrays: Arrays, params: Params) -> None:
    x = arrays["x"]
    assert x is not None
    if x.shape[-1] not in (1, 2, 4, 8) and x.shape[-1] % 16:
        raise ShapeError(f"{name} takes 1, 2, 4, 8 or a multiple of 16 lanes, not {x.shape[-1]}")


def augment(name: str, arrays: Arrays, params: Params) -> None:
    color = arrays.get("color")
    if color is not None:
        expect(name, "the number of columns of color", color.shape[3], color.shape[2] + 1)


def group_norm(name: str, arrays: Arrays, params: Params) -> None:
    """Whole groups of channels; statistics, if they are there, for each."""
    x, mean = arrays["x"], arrays.get("mean")
    assert x is not None
    groups = params["groups"]
    if groups < 1 or x.shape[1] % groups:
        raise ShapeError(f"{name}: {x.shape[1]} channels can't be split into {groups} groups")
    if mean is not None:
        expect(name, "the number of groups in mean", mean.shape[1], groups)
    if x.shape[-1] not in (1, 4, 8, 16):
        raise ShapeError(f"{name} takes 1, 4, 8 or 16 lanes, not {x.shape[-1]}")


def lrn(name: str, arrays: Arrays, params: Params) -> None:
    if params["size"] < 1 or params["size"] % 2 == 0:
        raise OptionError(f"{name}: size must be an odd number of channels, not {params['size']}")
    if not params["k"] > 0 or not params["alpha"] >= 0:
        raise OptionError(f"{name}: k must be positive and alpha not negative, not {params}")


def maxout(name: str, arrays: Arrays, params: Params) -> None:
    wide = arrays["x"] if "x" in arrays else arrays["dx"]
    narrow = arrays["y"] if "y" in arrays else arrays["dy"]
    assert wide is not None and narrow is not None
    if not 1 <= params["pool"] <= 256:
        raise OptionError(f"{name}: pool lies in 1 to 256, not {params['pool']}")
    expect(name, "the number of channels", wide.shape[1], narrow.shape[1] * params["pool"])


def prelu(name: str, arrays: Arrays, params: Params) -> None:
    """Axes of the slopes are whole or shared."""
    x, slopes = arrays["x"], arrays["alpha"] if "alpha" in arrays else arrays["dalpha"]
    assert x is not None and slopes is not None
    for axis, length, whole in zip("CHW", slopes.shape, x.shape[1:4], strict=True):
        if length not in (1, whole):
            raise ShapeError(f"{name}: slopes along {axis} must be 1 or {whole}, not {length}")


MAX_ORIENTATIONS = 64  # HOG_MOST_ORIENTATIONS in csrc/hog_impl.h


def hog(name: str, arrays: Arrays, params: Params) -> None:
    """Features of as many blocks as fit the image, at least one."""
    images, features = arrays["images"], arrays["features"]
    assert images is not None and features is not None
    if not 1 <= params["orientations"] <= MAX_ORIENTATIONS:
        got = params["orientations"]
        raise OptionError(f"{name}: orientations must be 1 to {MAX_ORIENTATIONS}, not {got}")
    size = params["orientations"]
    for axis, side in (("h", 1), ("w", 2)):
        cell, block, n = params[f"cell_{axis}"], params[f"block_{axis}"], images.shape[side]
        if cell < 1 or block < 1:
            raise ShapeError(f"{name}: cells ({cell}) and blocks ({block}) must be at least 1")
        if n < cell * block:
            raise ShapeError(
                f"{name}: images of {n} pixels along {axis} are smaller than a block of"
                f" {block} cells of {cell} pixels"
            )
        size *= block * (n // cell - block + 1)
    expect(name, "the number of features", features.shape[1], size)


def color_histogram(name: str, arrays: Arrays, params: Params) -> None:
    """Edges that rise, and features for each bin and part of the grid."""
    images, edges, counts, features = (
        arrays[tensor] for tensor in ("images", "edges", "counts", "features")
    )
    assert images is not None and edges is not None and counts is not None and features is not None
    if params["space"] != "rgb":
        expect(name, "the number of channels", images.shape[3], 3)
    if (counts < 2).any() or counts.sum() != len(edges):
        raise ShapeError(f"{name}: each channel needs 2 edges or more, {len(edges)} in all")
    for part in np.split(edges, np.cumsum(counts)[:-1]):
        if not (np.diff(part) > 0).all():
            raise ShapeError(f"{name}: edges of bins must rise: {part}")
    if params["rows"] < 1 or params["columns"] < 1:
        raise ShapeError(f"{name}: the grid must have at least one row and column")
    bins = counts - 1
    size = (bins.prod() if params["joint"] else bins.sum()) * params["rows"] * params["columns"]
    expect(name, "the number of features", features.shape[1], int(size))


def upsample2d(name: str, arrays: Arrays, params: Params) -> None:
    """The larger image has a multiple of the smaller one's rows and columns."""
    small, large = (arrays[t] for t in (("x", "y") if "x" in arrays else ("dx", "dy")))
    assert small is not None and large is not None
    for axis in (2, 3):
        if large.shape[axis] % small.shape[axis]:
            raise ShapeError(f"{name}: {large.shape} is no whole multiple of {small.shape}")


def local2d(name: str, arrays: Arrays, params: Params) -> None:
    """x with its border, the weights of each output pixel, and the output (y or dy)."""
    w = arrays["w"] if "w" in arrays else arrays["dw"]
    x = arrays["x"] if "x" in arrays else arrays["dx"]
    assert w is not None and x is not None
    for axis, letter, before in ((2, "h", "top"), (3, "w", "left")):
        stride, pad = params[f"stride_{letter}"], params.get(f"pad_{before}", 0)
        if stride < 1 or pad < 0:
            raise ShapeError(f"{name}: stride {stride}, padding {pad} along {letter}")
        windows, kernel = w.shape[axis - 2], w.shape[axis + 2]
        if "x" in arrays and (windows - 1) * stride + kernel > x.shape[axis]:
            raise ShapeError(
                f"{name}: {windows} windows of {kernel} along {letter}, {stride} apart, do not fit"
                f" {x.shape[axis]} pixels"
            )
