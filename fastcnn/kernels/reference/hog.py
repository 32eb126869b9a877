"""Histograms of oriented gradients (Dalal and Triggs 2005), as in scikit-image."""

import numpy as np

__all__ = ["hog"]

EPSILON = 1e-5  # added to a block's norm
HYSTERESIS = 0.2


def hog(
    images,
    features,
    *,
    orientations,
    cell_h,
    cell_w,
    block_h,
    block_w,
    norm,
    signed_gradient,
    square_root,
):
    """features[n]: all blocks (rows, columns, block_h, block_w, orientations), flattened

    1. Gradients (gx, gy) by central differences, 0 at the border; of each pixel those of the
       channel where they are longest. With square_root, of sqrt(v).
    2. For each cell and orientation, the mean length of its gradients whose angle, in [0, 180) or,
       signed_gradient, [0, 360) degrees, falls into the orientation's bin.
    3. Blocks of cells, one cell apart, each divided by its norm.
    """
    for image, out in zip(images, features, strict=True):
        pixels = image.astype(features.dtype)
        cells = _cells(
            np.sqrt(pixels) if square_root else pixels,
            orientations,
            (cell_h, cell_w),
            360 if signed_gradient else 180,
        )
        windows = np.lib.stride_tricks.sliding_window_view(cells, (block_h, block_w), (0, 1))
        blocks = windows.transpose(0, 1, 3, 4, 2).reshape(*windows.shape[:2], -1)
        out[...] = normalised(blocks, norm).reshape(-1)


def _cells(pixels, orientations, cell, turn):
    gy, gx = gradients(pixels)
    length = np.hypot(gx, gy)
    strongest = length.argmax(axis=2)[..., None]
    gx, gy, length = (np.take_along_axis(a, strongest, 2)[..., 0] for a in (gx, gy, length))
    # In float32, 45 degrees would come out as a little less and fall into the bin before.
    angle = np.rad2deg(np.arctan2(gy, gx, dtype=np.float64)) % turn
    number = np.minimum((angle * orientations / turn).astype(int), orientations - 1)
    rows, columns = pixels.shape[0] // cell[0], pixels.shape[1] // cell[1]
    inside = length[: rows * cell[0], : columns * cell[1]]
    number = number[: rows * cell[0], : columns * cell[1]]
    one_hot = (number[..., None] == np.arange(orientations)) * inside[..., None]
    return one_hot.reshape(rows, cell[0], columns, cell[1], -1).mean(axis=(1, 3))


def gradients(pixels):
    """Differences of the neighbours above and below, left and right; 0 at the border."""
    gy, gx = np.zeros_like(pixels), np.zeros_like(pixels)
    gy[1:-1] = pixels[2:] - pixels[:-2]
    gx[:, 1:-1] = pixels[:, 2:] - pixels[:, :-2]
    return gy, gx


def normalised(blocks, norm):
    """v / (|v|_1 + e), its square root, v / sqrt(|v|_2^2 + e^2), or this cut at 0.2 and repeated"""
    if norm in ("l1", "l1_sqrt"):
        out = blocks / (np.abs(blocks).sum(axis=-1, keepdims=True) + EPSILON)
        return np.sqrt(out) if norm == "l1_sqrt" else out
    out = _unit(blocks)
    return _unit(np.minimum(out, HYSTERESIS)) if norm == "l2_hys" else out


def _unit(v):
    return v / np.sqrt((v * v).sum(axis=-1, keepdims=True) + EPSILON**2)
