"""The images of a run: what it trains on, and what is held out."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from fastcnn.data.dataset import Dataset, ImageSet
from fastcnn.data.load import NAMES
from fastcnn.data.splits import part, split

HELD_OUT = 0.1  # of the training images, where something decides by their figures
LARGEST_SIDE = 64  # of pictures in a folder, unless asked for: photographs would take days


def data_argument(data: str) -> str:
    """A path is made absolute, so that the run can be resumed from anywhere."""
    path = Path(data).expanduser()
    known = data.replace("_", "-") in NAMES or not path.exists()
    return data if known else str(path.absolute())


@dataclass(frozen=True)
class RunData:
    """A data set, the training images taken from it, and what is measured during training."""

    dataset: Dataset
    training: ImageSet
    held_out: ImageSet | None
    validation: float  # the share of the training images that is held out; 0: the test set is used

    @classmethod
    def of(
        cls, dataset: Dataset, validation: float | None, train_size: int | None, seed: int
    ) -> "RunData":
        """First the validation images are held out; of the rest, train_size are taken."""
        training, held_out = dataset.train, dataset.test
        if validation:
            training, held_out = split(dataset.train, validation, seed)
        if train_size is not None:
            training = part(training, train_size, seed)
        return cls(dataset, training, held_out, validation or 0.0)

    @staticmethod
    def share(dataset: Dataset, asked: float | None, watched: bool) -> float:
        """Of the training images to hold out: as asked, else a part if something will watch it.

        What chooses by the test images flatters their figures.
        """
        if asked is not None:
            return asked
        return HELD_OUT if watched and getattr(dataset, "validation", None) is None else 0.0

    def text(self) -> str:
        """ "data   digits: 1,437 training, 360 test images 8x8x1, 10 classes"."""
        size = "x".join(map(str, self.dataset.image_shape))
        sets = [f"{len(self.training):,} training"]
        if self.validation:
            sets.append(f"{len(self.held_out or ()):,} validation")
        if self.dataset.test is not None:
            sets.append(f"{len(self.dataset.test):,} test")
        classes = len(self.dataset.classes)
        return f"data   {self.dataset.name}: {', '.join(sets)} images {size}, {classes} classes"

    def record(self) -> dict[str, Any]:
        """For run.json."""
        parts = {"training": self.training, "held_out": self.held_out, "test": self.dataset.test}
        return {
            "name": self.dataset.name,
            "sha256": self.dataset.fingerprint(),
            "images": {name: len(images) for name, images in parts.items() if images},
            "image_shape": list(self.dataset.image_shape),
            "classes": list(self.dataset.classes),
        }
