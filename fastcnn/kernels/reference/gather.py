"""Into the layout (B, C, H, W, L) and out of it. order[b, l] is the image of a lane; -1: none."""

import numpy as np

__all__ = ["gather_images", "gather_labels", "scatter_rows"]


def gather_images(images, order, scale, offset, x):
    """x[b, c, h, w, l] = images[order[b, l], h, w, c] scale[c] + offset[c]; 0 in empty lanes

    images (N, H, W, C): uint8 or floating, any strides.
    """
    x[...] = 0
    for b, lane in zip(*np.nonzero(order >= 0), strict=True):
        image = images[order[b, lane]].astype(x.dtype)
        image = image * (1 if scale is None else scale) + (0 if offset is None else offset)
        x[b, :, :, :, lane] = image.transpose(2, 0, 1)


def gather_labels(labels, order, out):
    """out[b, l] = labels[order[b, l]]; -1 in empty lanes"""
    out[...] = -1
    out[order >= 0] = labels[order[order >= 0]]


def scatter_rows(x, out):
    """out[b L + l, f] = x[b, f, l], for the len(out) first images"""
    rows = x.transpose(0, 2, 1).reshape(-1, x.shape[1])[: len(out)]
    out[: len(rows)] = rows
