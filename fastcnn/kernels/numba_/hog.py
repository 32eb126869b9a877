"""Histograms of oriented gradients; the steps are listed in reference/hog.py."""

import math

from fastcnn.kernels.numba_.helper import helper, scratch
from fastcnn.kernels.numba_.share import split
from fastcnn.kernels.spec import ENUMS

__all__ = ["hog"]

EPSILON = 1e-5  # added to a block's norm
HYSTERESIS = 0.2
L1, L1_SQRT, L2_HYS = (ENUMS["norm"][name] for name in ("l1", "l1_sqrt", "l2_hys"))


@helper
def value(images, n, h, w, c, square_root):
    v = float(images[n, h, w, c])
    return math.sqrt(v) if square_root else v


@helper
def gradient(images, n, h, w, square_root):
    """(gx, gy, length) of the channel where it is longest"""
    best_x, best_y, best = 0.0, 0.0, -1.0
    for c in range(images.shape[3]):
        gx, gy = 0.0, 0.0
        if 0 < h < images.shape[1] - 1:
            above = value(images, n, h - 1, w, c, square_root)
            gy = value(images, n, h + 1, w, c, square_root) - above
        if 0 < w < images.shape[2] - 1:
            before = value(images, n, h, w - 1, c, square_root)
            gx = value(images, n, h, w + 1, c, square_root) - before
        length = math.hypot(gx, gy)
        if length > best:
            best_x, best_y, best = gx, gy, length
    return best_x, best_y, best


@helper
def fill_cells(images, n, orientations, cell_h, cell_w, turn, square_root, cells):
    """cells[row, column, orientation]: mean length of the gradients"""
    cells[:] = 0.0
    for h in range(cells.shape[0] * cell_h):
        for w in range(cells.shape[1] * cell_w):
            gx, gy, length = gradient(images, n, h, w, square_root)
            angle = math.degrees(math.atan2(gy, gx)) % turn
            number = min(int(angle * orientations / turn), orientations - 1)
            cells[h // cell_h, w // cell_w, number] += length / (cell_h * cell_w)


@helper
def unit(v):
    total = 0.0
    for k in range(len(v)):
        total += float(v[k]) * v[k]
    length = math.sqrt(total + EPSILON * EPSILON)
    for k in range(len(v)):
        v[k] /= length


@helper
def normalise(v, norm):
    if norm in (L1, L1_SQRT):
        total = 0.0
        for k in range(len(v)):
            total += abs(v[k])
        for k in range(len(v)):
            v[k] /= total + EPSILON
            v[k] = math.sqrt(v[k]) if norm == L1_SQRT else v[k]
        return
    unit(v)
    if norm == L2_HYS:
        for k in range(len(v)):
            v[k] = min(v[k], HYSTERESIS)
        unit(v)


def _cells(arrays, params):
    _, height, width, _ = arrays["images"].shape
    return height // params["cell_h"] * (width // params["cell_w"]) * params["orientations"]


@scratch(_cells)
def hog(
    work,
    images,
    features,
    orientations,
    cell_h,
    cell_w,
    block_h,
    block_w,
    norm,
    signed_gradient,
    square_root,
):
    rows, columns = images.shape[1] // cell_h, images.shape[2] // cell_w
    cells = work.scratch[: rows * columns * orientations].reshape(rows, columns, orientations)
    size, turn = block_h * block_w * orientations, 360.0 if signed_gradient else 180.0
    begin, end = split(images.shape[0], work)
    for n in range(begin, end):
        fill_cells(images, n, orientations, cell_h, cell_w, turn, square_root, cells)
        at = 0
        for top in range(rows - block_h + 1):
            for left in range(columns - block_w + 1):
                block = features[n, at : at + size]
                for k in range(size):
                    cell, o = k // orientations, k % orientations
                    block[k] = cells[top + cell // block_w, left + cell % block_w, o]
                normalise(block, norm)
                at += size
