"""The images of a run: what it trains on, and what is held out."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from fastcnn.commands.picture_arguments import NAMES, picture_options
from fastcnn.data.dataset import Dataset, ImageSet
from fastcnn.data.load import built_in, load_dataset
from fastcnn.data.splits import part, split
from fastcnn.errors import OptionError

HELD_OUT = 0.1  # of the training images, where something decides by their figures
LARGEST_SIDE = 64  # of pictures in a folder, unless asked for: photographs would take days


def data_argument(data: str, named: bool = False) -> str:
    """A path is made absolute, so that the run can be resumed from anywhere.

    From then on a name means a built-in set, whatever lies where the command runs.
    named: it does so from the beginning
    """
    path = Path(data).expanduser()
    known = built_in(data, named) or not path.exists()
    return data if known else str(path.absolute())


def given_data(options: Any, default: str) -> tuple[str, Dataset]:
    """The data of a new run: what `data_argument` makes of them, and what is read.

    options: TrainOptions; default: a name, which means a built-in set, or a path
    """
    asked = options.data is not None
    data = data_argument(options.data if asked else default, named=not asked)
    pictures = {name: getattr(options, name) for name in NAMES}
    dataset = load_dataset(
        *(data, options.data_dir),
        image_size=options.image_size,
        image_shape=options.image_shape,
        largest_side=LARGEST_SIDE,
        named=True,
        **picture_options(None, **pictures),
    )
    return data, dataset


@dataclass(frozen=True)
class RunData:
    """A data set, the training images taken from it, and what is measured during training."""

    dataset: Dataset
    training: ImageSet
    held_out: ImageSet | None
    held_out_name: str  # "validation" or "test": which set `held_out` is
    validation: float = 0.0  # the share of the training images that is held out

    @classmethod
    def of(
        cls, dataset: Dataset, validation: float | None, train_size: int | None, seed: int
    ) -> "RunData":
        """First the validation images are held out; of the rest, train_size are taken.

        validation: the share of the training images to hold out, for data without a validation set;
            without one and the other, the test set is measured on during training
        """
        training, held_out = dataset.train, dataset.validation
        if validation:
            if held_out is not None:
                raise OptionError(
                    f"{dataset.name} has a validation set of {len(held_out):,} images: drop "
                    f"--validation {validation}"
                )
            training, held_out = split(dataset.train, validation, seed)
        if train_size is not None:
            training = part(training, train_size, seed)
        name = "test" if held_out is None else "validation"
        return cls(dataset, training, held_out or dataset.test, name, validation or 0.0)

    @staticmethod
    def share(dataset: Dataset, asked: float | None, watched: bool) -> float:
        """Of the training images to hold out: as asked, else a part if something will watch it.

        What chooses by the test images flatters their figures.
        """
        if asked is not None:
            return asked
        return HELD_OUT if watched and dataset.validation is None else 0.0

    def text(self) -> str:
        """ "data   digits: 1,437 training, 360 test images 8x8x1, 10 classes"."""
        size = "x".join(map(str, self.dataset.image_shape))
        sets = [f"{len(self.training):,} training"]
        if self.held_out is not None and self.held_out_name == "validation":
            sets.append(f"{len(self.held_out):,} validation")
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
            "pictures": self.dataset.pictures and self.dataset.pictures.record(),
        }
