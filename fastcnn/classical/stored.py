"""Arrays of a fitted classifier as they come from a file, which is untrusted input."""

from dataclasses import dataclass

import numpy as np

from fastcnn.errors import ModelFileError

Arrays = dict[str, np.ndarray]
KINDS = {"f": "floats", "i": "integers", "u": "integers", "b": "integers"}


@dataclass(frozen=True)
class Stored:
    """Arrays by name, for a classifier of `features` numbers into `classes` classes."""

    arrays: Arrays
    features: int
    classes: int

    def floats(self, name: str, *shape: int | None) -> np.ndarray:
        """Finite float64 of this shape; None stands for any length."""
        array = self._take(name, "f", shape).astype(np.float64)
        if not np.isfinite(array).all():
            raise ModelFileError(f"{name} holds numbers that are not finite")
        return array

    def integers(
        self, name: str, *shape: int | None, low: int = 0, high: int = 2**31 - 1
    ) -> np.ndarray:
        """int64 of this shape, low <= value < high."""
        array = self._take(name, "iub", shape)
        if array.size and not (low <= array.min() and array.max() < high):
            raise ModelFileError(
                f"{name} goes from {array.min()} to {array.max()}; expected {low} to {high - 1}"
            )
        return array.astype(np.int64)

    def dtype(self, name: str) -> np.dtype:
        """As it was stored; scikit-learn computes in float32 where it was given that."""
        return self.arrays[name].dtype if name in self.arrays else np.dtype(np.float64)

    def _take(self, name: str, kinds: str, shape: tuple[int | None, ...]) -> np.ndarray:
        if name not in self.arrays:
            raise ModelFileError(f"the array {name!r} is missing")
        array = self.arrays[name]
        fits = len(array.shape) == len(shape) and all(
            wanted in (None, length) for wanted, length in zip(shape, array.shape, strict=True)
        )
        if array.dtype.kind not in kinds or not fits:
            wanted = tuple("any" if length is None else length for length in shape)
            raise ModelFileError(
                f"{name} is {array.dtype} of shape {array.shape}; expected {KINDS[kinds[0]]} of "
                f"shape {wanted}"
            )
        return array


def compact(array: np.ndarray) -> np.ndarray:
    """float32 where that loses nothing: features are float32, scikit-learn widens them."""
    narrow = array.astype(np.float32)
    return narrow if (narrow == array).all() else array
