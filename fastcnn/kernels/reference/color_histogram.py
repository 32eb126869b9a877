"""Histograms of colours in RGB, HSV or CIELAB."""

import numpy as np

__all__ = ["color_histogram"]

# sRGB to CIE XYZ, divided by the white D65 of the 2 degree observer (IEC 61966-2-1).
TO_XYZ = np.array(
    [
        [0.412453, 0.357580, 0.180423],
        [0.212671, 0.715160, 0.072169],
        [0.019334, 0.119193, 0.950227],
    ]
) / np.array([[0.95047], [1.0], [1.08883]])


def color_histogram(images, edges, counts, features, *, space, joint, rows, columns, white):
    """features[n]: for each part of a grid of rows x columns, the share of its pixels in each bin

    Values v / white are turned into `space`: "rgb" (as they are, any number of channels), "hsv"
    (all in [0, 1]) or "lab" (L in [0, 100]). Channel c has the bins between its counts[c] edges,
    the last one closed, as in np.histogram; what lies outside is in no bin.
    One histogram after the other, or, joint, one over all combinations (last channel fastest).
    """
    ends = np.cumsum(counts)
    per_channel = [edges[end - n : end] for n, end in zip(counts, ends, strict=True)]
    for image, out in zip(images, features, strict=True):
        pixels = CONVERT[space](image.astype(features.dtype) / white)
        numbers = [_bin(pixels[..., c], e) for c, e in enumerate(per_channel)]
        parts = [
            _histogram([part(n, k, rows, columns) for n in numbers], counts - 1, joint)
            for k in range(rows * columns)
        ]
        out[...] = np.concatenate(parts)


def part(array, k, rows, columns):
    """Part number k of the grid: pixel h belongs to row h rows // height."""
    height, width = array.shape
    row = np.arange(height) * rows // height == k // columns
    column = np.arange(width) * columns // width == k % columns
    return array[row][:, column]


def _bin(values, edges):
    """Number of the bin, -1 for none."""
    number = np.searchsorted(edges, values, side="right") - 1
    number[values == edges[-1]] = len(edges) - 2
    number[(values < edges[0]) | (values > edges[-1])] = -1
    return number


def _histogram(numbers, bins, joint):
    pixels = max(numbers[0].size, 1)
    if not joint:
        each = [
            np.bincount(n[n >= 0].ravel(), minlength=b) for n, b in zip(numbers, bins, strict=True)
        ]
        return np.concatenate(each) / pixels
    whole, valid = np.zeros_like(numbers[0]), np.ones(numbers[0].shape, bool)
    for number, size in zip(numbers, bins, strict=True):
        whole = whole * size + number
        valid &= number >= 0
    return np.bincount(whole[valid].ravel(), minlength=int(np.prod(bins))) / pixels


def rgb_to_hsv(rgb):
    """Hue, saturation, value, all in [0, 1] (Smith 1978); grey has hue 0."""
    value = rgb.max(axis=-1)
    spread = value - rgb.min(axis=-1)
    safe = np.where(spread == 0, 1, spread)
    red, green, blue = np.moveaxis(rgb, -1, 0)
    hue = np.where(
        value == red,
        (green - blue) / safe,
        np.where(value == green, 2 + (blue - red) / safe, 4 + (red - green) / safe),
    )
    hue = np.where(spread == 0, 0, hue / 6 % 1)
    return np.stack([hue, spread / np.where(value == 0, 1, value), value], axis=-1)


def rgb_to_lab(rgb):
    """CIELAB of sRGB: L* in [0, 100], a* and b* about -110 to 110 (CIE 15)."""
    linear = np.where(rgb > 0.04045, ((np.maximum(rgb, 0) + 0.055) / 1.055) ** 2.4, rgb / 12.92)
    xyz = linear @ TO_XYZ.T.astype(rgb.dtype)
    f = np.where(xyz > 0.008856, np.cbrt(xyz), 7.787 * xyz + 16 / 116)
    x, y, z = np.moveaxis(f, -1, 0)
    return np.stack([116 * y - 16, 500 * (x - y), 200 * (y - z)], axis=-1)


CONVERT = {"rgb": lambda values: values, "hsv": rgb_to_hsv, "lab": rgb_to_lab}
