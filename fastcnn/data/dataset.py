"""What every source returns: checked images with labels, as a training and a test set."""

import hashlib
import warnings
from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np

from fastcnn.data.picture_record import PictureRecord
from fastcnn.errors import DataError, DataWarning


def _update(digest: "hashlib._Hash", array: np.ndarray) -> None:
    digest.update(f"{array.dtype.str}{array.shape}".encode())
    digest.update(array.data)


# eq=False: comparing arrays has no single truth value; compare fingerprints instead.
@dataclass(frozen=True, eq=False, repr=False)
class ImageSet:
    """Images with their labels.

    images: uint8 or float32 (N, H, W, C), C contiguous, N >= 1
    labels: int64 (N,), each the index of a class
    classes: name of each class
    """

    images: np.ndarray
    labels: np.ndarray
    classes: tuple[str, ...]
    name: str

    def __post_init__(self) -> None:
        images, labels = self.images, self.labels
        if images.ndim != 4 or images.dtype not in (np.uint8, np.float32) or 0 in images.shape:
            raise DataError(
                f"{self.name}: images are {images.dtype} of shape {images.shape}; "
                "expected uint8 or float32 (N, H, W, C) without an empty axis"
            )
        if labels.dtype != np.int64 or labels.shape != images.shape[:1]:
            raise DataError(
                f"{self.name}: labels are {labels.dtype} of shape {labels.shape}; "
                f"expected int64 of shape ({len(images)},)"
            )
        if not (images.flags.c_contiguous and labels.flags.c_contiguous):
            raise DataError(f"{self.name}: images and labels must be C contiguous")
        if labels.min() < 0 or labels.max() >= len(self.classes):
            raise DataError(
                f"{self.name}: labels go from {labels.min()} to {labels.max()}; "
                f"expected 0 to {len(self.classes) - 1} for {len(self.classes)} classes"
            )

    def __len__(self) -> int:
        return len(self.images)

    def __repr__(self) -> str:
        size = "x".join(map(str, self.image_shape))
        return (
            f"<ImageSet {self.name!r}: {len(self)} images {size} {self.images.dtype}, "
            f"{len(self.classes)} classes>"
        )

    @property
    def image_shape(self) -> tuple[int, int, int]:
        """Height, width and channels of one image."""
        _, height, width, channels = self.images.shape
        return height, width, channels

    def take(self, indices: np.ndarray) -> "ImageSet":
        """The images with these indices, copied, in this order."""
        return ImageSet(self.images[indices], self.labels[indices], self.classes, self.name)

    def fingerprint(self) -> str:
        """SHA-256 over the dtypes, shapes and bytes of images and labels."""
        digest = hashlib.sha256()
        _update(digest, self.images)
        _update(digest, self.labels)
        return digest.hexdigest()


@dataclass(frozen=True, eq=False, repr=False)
class Dataset:
    """A training set and, where the source has them, a test and a validation set like it.

    notes: what a user should know of how the data were read, e.g. what was left out
    validation: measured on after each epoch, and what early stopping chooses by
    test: measured on at the end
    pictures: how they were read, if they were; `record` goes into run.json
    """

    train: ImageSet
    test: ImageSet | None
    name: str
    notes: tuple[str, ...] = ()
    validation: ImageSet | None = None
    pictures: PictureRecord | None = None

    def __post_init__(self) -> None:
        for part, images in (("test", self.test), ("validation", self.validation)):
            if images is not None:
                self._check(part, images)

    def _check(self, part: str, images: ImageSet) -> None:
        if images.image_shape != self.train.image_shape:
            raise DataError(
                f"{self.name}: {part} images are {images.image_shape}, "
                f"training images {self.train.image_shape} (height, width, channels)"
            )
        if images.images.dtype != self.train.images.dtype:
            raise DataError(
                f"{self.name}: {part} images are {images.images.dtype}, "
                f"training images {self.train.images.dtype}"
            )
        if images.classes != self.train.classes:
            raise DataError(f"{self.name}: {part} and training set have different classes")

    def __repr__(self) -> str:
        validation = f", validation {self.validation!r}" if self.validation else ""
        return f"<Dataset {self.name!r}: train {self.train!r}{validation}, test {self.test!r}>"

    def tell(self, stacklevel: int = 2) -> "Dataset":
        """Itself, after a DataWarning for each note."""
        for note in self.notes:
            warnings.warn(f"{self.name}: {note}", DataWarning, stacklevel=stacklevel + 1)
        return self

    def map(self, change: Callable[[ImageSet], ImageSet]) -> "Dataset":
        """The same data set with each of its sets changed."""
        return replace(
            self,
            train=change(self.train),
            test=self.test and change(self.test),
            validation=self.validation and change(self.validation),
        )

    @property
    def classes(self) -> tuple[str, ...]:
        return self.train.classes

    @property
    def image_shape(self) -> tuple[int, int, int]:
        """Height, width and channels of one image."""
        return self.train.image_shape

    def fingerprint(self) -> str:
        """SHA-256 over the fingerprints of the sets."""
        sets = [self.train] if self.test is None else [self.train, self.test]
        texts = [images.fingerprint() for images in sets]
        if self.validation is not None:
            texts.append(f"validation {self.validation.fingerprint()}")
        return hashlib.sha256(" ".join(texts).encode()).hexdigest()
