"""A picture of augmented samples."""

import io

import numpy as np

from fastcnn.engine.augmenter import Augment, augmented, white
from fastcnn.text import one_line
from fastcnn.training.figure import save_figure


def draw_sheet(
    images: np.ndarray, names: list[str], augment: Augment, columns: int, seed: int, title: str
) -> bytes:
    """PNG: a row for each image, first as it is, then as `columns` training steps would see it."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    steps = [augmented(augment, images, seed, step, epoch=step) for step in range(columns)]
    shown = np.stack([images.astype(np.float32), *steps], axis=1) / white(images)
    rows, across = shown.shape[:2]
    picture = Figure(figsize=(0.8 * across + 1, 0.8 * rows + 0.7), layout="constrained")
    FigureCanvasAgg(picture)
    picture.suptitle(one_line(title), fontsize=10, parse_math=False)
    grid = picture.subplots(rows, across, squeeze=False)
    for row in range(rows):
        grid[row][0].set_ylabel(one_line(names[row]), fontsize=8, parse_math=False)
        for column in range(across):
            _show(grid[row][column], shown[row, column])
    grid[0][0].set_title("original", fontsize=8)
    file = io.BytesIO()
    save_figure(picture, file, format="png", dpi=120)
    return file.getvalue()


def _show(axes, image: np.ndarray) -> None:
    axes.set_xticks([])
    axes.set_yticks([])
    image = image.clip(0, 1)
    if image.shape[2] == 3:
        axes.imshow(image)
    else:
        axes.imshow(image.mean(axis=2), cmap="gray", vmin=0, vmax=1)
