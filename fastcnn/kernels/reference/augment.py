"""Gathering with augmentation: what is done to each image stands in records, one for each place.

Places are numbered b L + l. For the place p of an image, its records are
    matrix[p]   (a, b, c, d, e, f): output pixel (row h, column w) shows the input at
                column a w + b h + c, row d w + e h + f, between four pixels bilinearly
    color[p]    (C, C + 1): channels v become color[:, :C] v + color[:, C]
    hole[p]     (top, bottom, left, right): pixels that become 0 after scale and offset
    patch[p]    (top, bottom, left, right): pixels taken from the partner
    partner[p]  a place; share[p]: own part of all other pixels, 1 - share is the partner's
The partner is mixed in as its own records have made it, but for its own mixing.
Where the input ends, `fill` goes on: "reflect" (b a | a b c | c b), "nearest" (a a | a b c | c c),
"wrap" (b c | a b c | a b) or "constant" (fill_value, in units of the images).
"""

import numpy as np

__all__ = ["augment_images", "mix_targets"]

LIMIT = 1e6  # coordinates are clamped to this, so that they fit an integer


def augment_images(
    images,
    order,
    matrix,
    color,
    hole,
    patch,
    partner,
    share,
    scale,
    offset,
    x,
    *,
    fill,
    fill_value,
):
    """x[b, :, h, w, l] = the image order[b, l] as its records say; 0 in empty lanes"""
    lanes = order.shape[1]
    x[...] = 0
    made = {}
    for place in np.flatnonzero(order >= 0):
        b, lane = divmod(place, lanes)
        image = images[order[b, lane]].astype(x.dtype)
        out = warp(image, matrix[b, lane].astype(x.dtype), fill, fill_value)
        if color is not None:
            out = out @ color[b, lane, :, :-1].T.astype(x.dtype) + color[b, lane, :, -1]
        out = out * (1 if scale is None else scale) + (0 if offset is None else offset)
        out[_box(hole[b, lane])] = 0
        made[place] = out
    for place, own in made.items():
        b, lane = divmod(place, lanes)
        other = made.get(partner[b, lane], own)
        mixed = share[b, lane] * own + (1 - share[b, lane]) * other
        box = _box(patch[b, lane])
        mixed[box] = other[box]
        x[b, :, :, :, lane] = mixed.transpose(2, 0, 1)


def _box(sides):
    top, bottom, left, right = np.maximum(sides, 0)
    return slice(top, bottom), slice(left, right)


def warp(image, m, fill, fill_value):
    """The image (H, W, C) seen through the matrix m."""
    height, width = image.shape[:2]
    h, w = np.mgrid[:height, :width].astype(m.dtype)
    column = np.clip(m[0] * w + m[1] * h + m[2], -LIMIT, LIMIT)
    row = np.clip(m[3] * w + m[4] * h + m[5], -LIMIT, LIMIT)
    left, top = np.floor(column).astype(int), np.floor(row).astype(int)
    right, down = (column - left)[..., None], (row - top)[..., None]
    corner = [_pixels(image, top + i, left + j, fill, fill_value) for i in (0, 1) for j in (0, 1)]
    upper = corner[0] + right * (corner[1] - corner[0])
    lower = corner[2] + right * (corner[3] - corner[2])
    return upper + down * (lower - upper)


def _pixels(image, row, column, fill, fill_value):
    rows, columns = image.shape[:2]
    outside = (row < 0) | (row >= rows) | (column < 0) | (column >= columns)
    found = image[_inside(row, rows, fill), _inside(column, columns, fill)]
    return np.where(outside[..., None], fill_value, found) if fill == "constant" else found


def _inside(k, n, fill):
    """The index in 0 .. n - 1 that stands for index k."""
    if fill == "wrap":
        return k % n
    if fill == "reflect":
        k = k % (2 * n)
        return np.minimum(k, 2 * n - 1 - k)
    return np.clip(k, 0, n - 1)


def mix_targets(labels, partner, own, targets):
    """targets[b, :, l] = own onehot(label) + (1 - own) onehot(partner's label); 0 in empty lanes"""
    classes = np.arange(targets.shape[1])[:, None]
    others = np.where(partner >= 0, labels.reshape(-1)[partner], labels)
    mine, yours = ((a[:, None, :] == classes).astype(targets.dtype) for a in (labels, others))
    targets[...] = own[:, None, :] * mine + (1 - own[:, None, :]) * yours
