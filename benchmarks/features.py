"""HOG and colour histograms beside scikit-image and NumPy, on images of 32x32 pixels.

    python benchmarks/features.py --images 10000 --rounds 5

scikit-image takes one image at a time; it is measured on `--slow` of the images. For histograms
it has colour spaces alone: there it is `color.rgb2hsv` and `numpy.histogram` of each channel of
each part.
"""

import argparse
import time
from collections.abc import Callable

import numpy as np
from common import quartiles
from skimage.color import rgb2hsv
from skimage.feature import hog

from fastcnn.features import HOG, ColorHistogram

CELLS, ORIENTATIONS, BINS, GRID = 8, 9, 16, 2


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--images", type=int, default=10_000)
    parser.add_argument("--slow", type=int, default=500)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--threads", type=int, default=2)
    options = parser.parse_args()
    images = np.random.default_rng(0).integers(0, 256, (options.images, 32, 32, 3), np.uint8)
    gradients = HOG(
        orientations=ORIENTATIONS,
        pixels_per_cell=(CELLS, CELLS),
        cells_per_block=(2, 2),
        n_jobs=options.threads,
    )
    colors = ColorHistogram(space="hsv", bins=BINS, grid=(GRID, GRID), n_jobs=options.threads)
    compare("HOG", gradients.fit(images).transform, hog_of, images, options)
    compare("colour histogram", colors.fit(images).transform, histogram_of, images, options)


def compare(
    title: str,
    own: Callable[[np.ndarray], np.ndarray],
    one: Callable[[np.ndarray], np.ndarray],
    images: np.ndarray,
    options: argparse.Namespace,
) -> None:
    some = images[: options.slow]
    difference = np.abs(own(some) - np.array([one(image) for image in some])).max()
    rates, ratios = [], []
    for _ in range(options.rounds):
        fast = len(images) / seconds(lambda: own(images))
        slow = len(some) / seconds(lambda: [one(image) for image in some])
        rates.append((fast, slow))
        ratios.append(fast / slow)
    fast, slow = np.median(rates, axis=0)
    print(
        f"{title}: {fast:,.0f} images/s, scikit-image {slow:,.0f}; {quartiles(ratios)[1]:.0f} times"
        f" ({min(ratios):.0f} to {max(ratios):.0f}); largest difference {difference:.1e}"
    )


def hog_of(image: np.ndarray) -> np.ndarray:
    cells = (CELLS, CELLS)
    return hog(image, ORIENTATIONS, cells, (2, 2), channel_axis=-1)


def histogram_of(image: np.ndarray) -> np.ndarray:
    side = image.shape[0] // GRID
    parts = rgb2hsv(image).reshape(GRID, side, GRID, side, 3).swapaxes(1, 2)
    counts = [
        np.histogram(part[..., channel], BINS, (0, 1))[0] / side**2
        for row in parts
        for part in row
        for channel in range(3)
    ]
    return np.concatenate(counts)


def seconds(call: Callable[[], object]) -> float:
    start = time.perf_counter()
    call()
    return time.perf_counter() - start


if __name__ == "__main__":
    main()
