"""Colours to grey."""

import numpy as np

from fastcnn.errors import ShapeError

LUMA = np.array([0.299, 0.587, 0.114], np.float32)  # ITU-R BT.601, as OpenCV


def grey(images: np.ndarray) -> np.ndarray:
    """0.299 R + 0.587 G + 0.114 B of images (N, H, W, 3) as float32 (N, H, W, 1).

    Images of one channel stay as they are.
    """
    if images.shape[3] == 1:
        return images
    if images.shape[3] != 3:
        raise ShapeError(f"grey takes images of 1 or 3 channels, not {images.shape[3]}")
    return (images.astype(np.float32) @ LUMA)[..., None]
