"""Options of pictures: as a user gives them, as run.json keeps them, and as they are read with."""

from typing import Any

from fastcnn.data.dataset import Dataset
from fastcnn.data.picture_options import MAX_PIXELS, PictureOptions

NAMES = ("background", "max_pixels", "skip_damaged")
USUAL = {"background": "white", "bits": None, "max_pixels": MAX_PIXELS, "skip_damaged": False}


def picture_arguments(options: Any, dataset: Dataset) -> dict[str, Any]:
    """For run.json: all that predictions have to know to read pictures as training did."""
    given = {name: getattr(options, name) for name in NAMES}
    bits = dataset.pictures.bits if dataset.pictures else None
    return USUAL | {k: v for k, v in given.items() if v is not None} | {"bits": bits}


def picture_options(arguments: dict[str, Any] | None, **given: Any) -> dict[str, Any]:
    """Keywords of `load_dataset`: what was given, else what the run was read with."""
    kept = {name: (arguments or {}).get(name) for name in USUAL}
    options = USUAL | {k: v for k, v in (kept | _given(given)).items() if v is not None}
    PictureOptions.of(**options)  # what is wrong comes out before anything is read
    return options


def _given(options: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in options.items() if value is not None}
