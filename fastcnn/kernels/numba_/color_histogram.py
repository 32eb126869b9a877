"""Histograms of colours in RGB, HSV or CIELAB; see reference/color_histogram.py."""

from fastcnn.kernels.numba_.helper import helper
from fastcnn.kernels.numba_.share import split
from fastcnn.kernels.reference.color_histogram import TO_XYZ as XYZ
from fastcnn.kernels.spec import ENUMS

__all__ = ["color_histogram"]

HSV, LAB = ENUMS["space"]["hsv"], ENUMS["space"]["lab"]
TO_XYZ = tuple(tuple(float(v) for v in row) for row in XYZ)


@helper
def hsv(r, g, b):
    top, low = max(r, g, b), min(r, g, b)
    spread = top - low
    if spread == 0.0:
        return 0.0, 0.0, top
    if top == r:
        hue = (g - b) / spread
    elif top == g:
        hue = 2.0 + (b - r) / spread
    else:
        hue = 4.0 + (r - g) / spread
    return hue / 6.0 % 1.0, spread / (top if top != 0.0 else 1.0), top


@helper
def linear(v):
    return ((max(v, 0.0) + 0.055) / 1.055) ** 2.4 if v > 0.04045 else v / 12.92


@helper
def root(v):
    return v ** (1.0 / 3.0) if v > 0.008856 else 7.787 * v + 16.0 / 116.0


@helper
def lab(r, g, b):
    r, g, b = linear(r), linear(g), linear(b)
    x = root(TO_XYZ[0][0] * r + TO_XYZ[0][1] * g + TO_XYZ[0][2] * b)
    y = root(TO_XYZ[1][0] * r + TO_XYZ[1][1] * g + TO_XYZ[1][2] * b)
    z = root(TO_XYZ[2][0] * r + TO_XYZ[2][1] * g + TO_XYZ[2][2] * b)
    return 116.0 * y - 16.0, 500.0 * (x - y), 200.0 * (y - z)


@helper
def channel_value(images, n, h, w, c, space, white):
    if space != HSV and space != LAB:
        return images[n, h, w, c] / white
    r, g, b = images[n, h, w, 0] / white, images[n, h, w, 1] / white, images[n, h, w, 2] / white
    values = hsv(r, g, b) if space == HSV else lab(r, g, b)
    return values[0] if c == 0 else (values[1] if c == 1 else values[2])


@helper
def bin_of(edges, begin, count, v):
    """Number of the bin between `count` edges, the last one closed; -1: none."""
    if not edges[begin] <= v <= edges[begin + count - 1]:
        return -1
    low, high = 0, count - 2
    while low < high:
        middle = (low + high + 1) // 2
        if edges[begin + middle] <= v:
            low = middle
        else:
            high = middle - 1
    return low


@helper
def add_pixel(images, n, h, w, edges, counts, space, joint, white, to, weight):
    """Add a pixel to the histograms at `to`."""
    begin, at, whole, valid = 0, 0, 0, True
    for c in range(len(counts)):
        bins = counts[c] - 1
        k = bin_of(edges, begin, counts[c], channel_value(images, n, h, w, c, space, white))
        if not joint and k >= 0:
            to[at + k] += weight
        whole, valid = whole * bins + k, valid and k >= 0
        begin, at = begin + counts[c], at + bins
    if joint and valid:
        to[whole] += weight


def color_histogram(work, images, edges, counts, features, space, joint, rows, columns, white):
    height, width, parts = images.shape[1], images.shape[2], rows * columns
    each = features.shape[1] // parts
    begin, end = split(images.shape[0], work)
    for n in range(begin, end):
        features[n, :] = 0.0
        for h in range(height):
            for w in range(width):
                k = h * rows // height * columns + w * columns // width
                to = features[n, k * each : (k + 1) * each]
                add_pixel(images, n, h, w, edges, counts, space, joint, white, to, 1.0)
        for k in range(parts):
            row, column = k // columns, k % columns
            pixels = 0
            for h in range(height):
                for w in range(width):
                    same = h * rows // height == row and w * columns // width == column
                    pixels += 1 if same else 0
            for i in range(k * each, (k + 1) * each):
                features[n, i] /= max(1, pixels)
