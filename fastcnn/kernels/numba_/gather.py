"""Into the layout and out of it. order[b, l] is the image of a lane; -1: none."""

import numpy as np

from fastcnn.kernels.numba_.share import split

__all__ = ["gather_images", "gather_labels", "scatter_rows"]


def gather_images(work, images, order, scale, offset, x):
    height, channels, lanes = x.shape[2], x.shape[1], x.shape[4]
    begin, end = split(x.shape[0] * height, work)
    for row in range(begin, end):
        b, h = row // height, row % height
        for c in range(channels):
            factor = scale[c] if scale.size else np.float32(1.0)
            summand = offset[c] if offset.size else np.float32(0.0)
            for w in range(x.shape[3]):
                for lane in range(lanes):
                    image = order[b, lane]
                    v = np.float32(0.0)
                    if image >= 0:
                        v = np.float32(images[image, h, w, c]) * factor + summand
                    x[b, c, h, w, lane] = v


def gather_labels(work, labels, order, out):
    lanes = order.shape[1]
    begin, end = split(order.shape[0] * lanes, work)
    for k in range(begin, end):
        sample = order[k // lanes, k % lanes]
        out[k // lanes, k % lanes] = labels[sample] if sample >= 0 else -1


def scatter_rows(work, x, out):
    lanes = x.shape[2]
    begin, end = split(min(out.shape[0], x.shape[0] * lanes), work)
    for row in range(begin, end):
        for f in range(x.shape[1]):
            out[row, f] = x[row // lanes, f, row % lanes]
