"""Sizes and channels of single images."""

from collections.abc import Sequence

import numpy as np

from fastcnn.errors import OptionError


def check_size(size: int | Sequence[int] | None) -> tuple[int, int] | None:
    """An image size as (height, width); one number means a square."""
    if size is None:
        return None
    pair = (size, size) if isinstance(size, (int, np.integer)) else tuple(size)
    if len(pair) != 2 or not all(isinstance(n, (int, np.integer)) and n > 0 for n in pair):
        raise OptionError(f"image size {size!r}; expected a number or (height, width), positive")
    return int(pair[0]), int(pair[1])


def to_rgb(picture: np.ndarray) -> np.ndarray:
    """(H, W) or (H, W, 3) -> (H, W, 3)."""
    return np.repeat(picture[..., None], 3, axis=2) if picture.ndim == 2 else picture


def to_grey(picture: np.ndarray) -> np.ndarray:
    """(H, W) or RGB (H, W, 3) -> (H, W)."""
    import cv2

    return picture if picture.ndim == 2 else cv2.cvtColor(picture, cv2.COLOR_RGB2GRAY)


def resize(image: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    """(H, W) or (H, W, C) to another (height, width): averaged when it shrinks, else linear."""
    import cv2

    height, width = size
    if image.shape[:2] == size:
        return image
    if image.ndim == 3 and image.shape[2] > 4:  # more than cv2 takes at once
        parts = [resize(image[..., c : c + 4], size) for c in range(0, image.shape[2], 4)]
        return np.concatenate(parts, axis=2)
    smaller = height < image.shape[0] or width < image.shape[1]
    method = cv2.INTER_AREA if smaller else cv2.INTER_LINEAR
    resized = cv2.resize(image, (width, height), interpolation=method)
    return resized.reshape(size + image.shape[2:])  # cv2 drops a last axis of 1


def resize_images(images: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    """(N, H, W, C) to another (height, width)."""
    if images.shape[1:3] == size:
        return images
    resized = np.empty((len(images), *size, images.shape[3]), images.dtype)
    for target, image in zip(resized, images, strict=True):
        target[:] = resize(image, size)
    return resized
