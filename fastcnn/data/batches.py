"""Batches that come one after the other: from an iterator, a callable or a collection of them."""

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from fastcnn.engine.options import positive
from fastcnn.errors import DataError, OptionError

END, UNDRAWN = object(), object()  # what no batch is
DATA = (list, tuple, dict, str, bytes)  # and whatever becomes an array
ARRAYS = ("__array__", "__array_interface__", "toarray")


def gives_batches(x: Any) -> bool:
    """Whether these are batches one after the other, no samples.

    Iterators, callables, and what can be gone through or has items by number, but is no array.
    """
    if type(x) is np.ndarray:  # told fast, for predictions of one image
        return False
    if isinstance(x, DATA) or any(hasattr(x, name) for name in ARRAYS):
        return False
    try:
        memoryview(x)
    except TypeError:
        return callable(x) or hasattr(x, "__iter__") or hasattr(x, "__getitem__")
    return False


class Batches:
    """`epoch()` gives the batches of the next epoch.

    given: an iterator, from which every epoch takes the next `steps` batches; or a callable that
        makes one, or a collection of batches, both of which begin anew in each epoch.
    steps: of an epoch, at most; default: until the batches end.
    what: "training", ... in messages; option: how `steps` is called there.
    """

    def __init__(self, given: Any, steps: int | None, what: str, option: str) -> None:
        self.what = what
        self.once = hasattr(given, "__next__")
        self.steps = None if steps is None else positive(option, steps)
        self.kind = "iterator" if self.once else "callable" if callable(given) else "collection"
        if self.steps is None and self.kind == "collection" and hasattr(given, "__len__"):
            self.steps = len(given)
        self._given = given
        self._source: Iterator[Any] = iter(())
        self._next: Any = UNDRAWN  # the first batch of the next epoch

    def first(self) -> Any:
        """The first batch of the next epoch, or END; `epoch` gives it again."""
        if self._next is UNDRAWN:
            self._source = self._open()
            self._next = next(self._source, END)
        return self._next

    def epoch(self) -> Iterator[tuple[Any, bool]]:
        """(batch, whether it is the last one). Where `steps` is known, nothing is drawn ahead."""
        batch, number = self.first(), 0
        self._next = UNDRAWN
        while batch is not END:
            number += 1
            following = next(self._source, END) if self.steps is None else UNDRAWN
            last = following is END or number == self.steps
            yield batch, last
            if last:
                break
            batch = next(self._source, END) if following is UNDRAWN else following
        self.taken = number
        if callable(ended := getattr(self._given, "on_epoch_end", None)):
            ended()  # collections that shuffle themselves, as Keras' Sequence does

    def all(self) -> Iterator[Any]:
        """The batches of one epoch: an error if there are none."""
        if self.first() is END:
            raise DataError(f"{self.what}: the {self.kind} gave no batches")
        for batch, _ in self.epoch():
            yield batch

    def _open(self) -> Iterator[Any]:
        made = self._given() if callable(self._given) else self._given
        if hasattr(made, "__iter__"):
            return iter(made)
        if hasattr(made, "__getitem__") and hasattr(made, "__len__"):
            return (made[number] for number in range(len(made)))
        raise OptionError(
            f"{self.what}: the {self.kind} gave {type(made).__name__}; expected batches to iterate"
        )


def end_to_end(arrays: Sequence[np.ndarray]) -> np.ndarray:
    """One after the other; a single one as it is."""
    return arrays[0] if len(arrays) == 1 else np.concatenate(arrays)


def sizes_of_arrays(batch_size: Any, steps: Any, option: str, usual: int) -> int:
    """The size of batches, where x is no batches; `steps` is for these; usual: the default."""
    if steps is not None:
        raise OptionError(f"{option} is for batches from an iterator or a callable, x is an array")
    return batch_size if batch_size is usual else positive("batch_size", batch_size)


def refuse_with_batches(batch_size: int, usual: int, **options: Any) -> None:
    """What must not be given beside batches, by name; usual: the default of batch_size."""
    given = [name for name, value in options.items() if value is not None]
    given += ["batch_size"] * (batch_size != usual)
    if given:
        raise OptionError(
            f"x gives batches: leave out {' and '.join(given)}; a batch is (x, y) or "
            "(x, y, sample weights)"
        )


def with_targets(y: Any) -> Any:
    if y is None:
        raise DataError("there are no targets y, and x does not give batches (x, y)")
    return y


def parts_of(batch: Any, what: str) -> tuple[Any, Any, Any]:
    """(x, y, sample weights or None) of a batch to learn from or to measure."""
    if not isinstance(batch, tuple | list) or len(batch) not in (2, 3):
        got = f"{len(batch)} things" if isinstance(batch, tuple | list) else type(batch).__name__
        raise DataError(f"{what}: a batch is (x, y) or (x, y, sample weights), got {got}")
    x, y, *weights = batch
    return x, y, weights[0] if weights else None


def inputs_of(batch: Any) -> Any:
    """x of a batch to predict: all of it, unless it is a tuple (x, ...)."""
    return batch[0] if isinstance(batch, tuple) and batch else batch
