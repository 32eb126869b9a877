"""Images of the data, inside the page."""

import base64

import numpy as np

LARGEST = 64  # pixels a side in the file; the page shows them larger


def picture(image: np.ndarray) -> str:
    """A PNG as a data address; image: (height, width, channels), uint8 or float."""
    import cv2

    pixels = _bytes(image)
    scale = LARGEST / max(pixels.shape[:2])
    if scale < 1:
        pixels = cv2.resize(pixels, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
    if pixels.ndim == 3 and pixels.shape[2] == 3:
        pixels = cv2.cvtColor(pixels, cv2.COLOR_RGB2BGR)
    _, png = cv2.imencode(".png", pixels)
    return f"data:image/png;base64,{base64.b64encode(png.tobytes()).decode()}"


def _bytes(image: np.ndarray) -> np.ndarray:
    """Floats are spread from their smallest to their largest value; odd channels become a mean."""
    if image.dtype != np.uint8:
        low, high = float(image.min()), float(image.max())
        image = np.rint((image - low) * (255 / ((high - low) or 1))).astype(np.uint8)
    if image.shape[2] in (1, 3):
        return image
    return np.rint(image.mean(axis=2, keepdims=True)).astype(np.uint8)
