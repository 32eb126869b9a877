"""`fastcnn augment`: a picture of what augmentations make of a data set."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from fastcnn import rng
from fastcnn.commands.named_options import named_options
from fastcnn.commands.picture_arguments import picture_options
from fastcnn.commands.run_data import LARGEST_SIDE
from fastcnn.data.load import load_dataset
from fastcnn.engine.augmenter import Augment
from fastcnn.errors import OptionError
from fastcnn.plugins.registry import augmentations
from fastcnn.recipes import Recipe
from fastcnn.training.model_file import write_atomically
from fastcnn.training.sheet import draw_sheet


def augment_option(
    names: Sequence[str] | None, fill: str | None, recipe: Recipe | None = None
) -> Augment | None:
    """The augmentations of `--augment NAME[:option=value,...]`, given once or more, or those of the
    recipe."""
    tables: list[Any] = [] if recipe is None else list(recipe.augment)
    if names:
        tables = [named_options(name, "--augment", augmentations) for name in names]
    if not tables:
        if fill is not None:
            raise OptionError("--augment-fill needs --augment")
        return None
    return Augment(tables, fill or (recipe.augment_fill if recipe else "reflect"))


def augment(
    data: str,
    names: Sequence[str],
    out: str,
    fill: str = "reflect",
    images: int = 6,
    columns: int = 10,
    seed: int = 0,
    data_dir: str | None = None,
    **pictures: Any,
) -> Path:
    """Write the sheet (PNG): a row for each of `images` training images taken by chance."""
    wanted = augment_option(names, fill if names else None)
    if wanted is None:
        raise OptionError(f"--augment names one of: {', '.join(augmentations.names())}")
    options = picture_options(None, **pictures)
    dataset = load_dataset(data, data_dir, largest_side=LARGEST_SIDE, **options)
    chosen = rng.permutation(seed, 0, len(dataset.train))[:images]
    part = dataset.train.take(np.sort(chosen))
    labels = [dataset.classes[k] for k in part.labels]
    title = f"{dataset.name}: {', '.join(names)}"
    picture = draw_sheet(part.images, labels, wanted, columns, seed, title)
    path = Path(out)
    write_atomically(path, lambda temporary: temporary.write_bytes(picture))
    return path
