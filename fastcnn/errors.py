"""What fastcnn raises. Every message says what came, what was expected and what is available."""

import sys
import warnings
from pathlib import Path

from fastcnn.text import printable

PACKAGE = str(Path(__file__).parent)


class FastcnnError(Exception):
    """Base of all errors that a user can cause; the command line prints them as one line."""

    def __str__(self) -> str:
        """Without what a terminal would obey: names in it may come from a stranger's file."""
        return printable(super().__str__())


class ShapeError(FastcnnError, ValueError):
    """A tensor, image or kernel of a shape that does not fit."""


class OptionError(FastcnnError, ValueError):
    """An option, name or value that does not exist or is out of range."""


class DataError(FastcnnError, ValueError):
    """A data set that is missing, damaged or inconsistent."""


class DataWarning(UserWarning):
    """What a user should know about data that are read: what is left out, or taken in another way
    than it may seem. The command line prints it as a note."""


class ModelFileError(FastcnnError, ValueError):
    """A model or checkpoint file that is missing, damaged or not one of ours."""


class DivergedError(FastcnnError, ArithmeticError):
    """The training loss is no longer a finite number.

    By then the optimizer has written such numbers into the weights in memory: they are lost. The
    last checkpoint is good, since none is written of weights that are no finite numbers.
    """


class BackendError(FastcnnError, RuntimeError):
    """A kernel that the chosen backend or instruction set does not have."""


class SetupWarning(UserWarning):
    """Output, loss and targets that can be trained with, but look like a mistake."""


def told(value: object, most: int = 80) -> str:
    """A value as messages show it: short, and whatever its repr does."""
    if hasattr(value, "shape") and type(value).__name__ == "ndarray":
        return f"an array of shape {value.shape}"
    if isinstance(value, list | tuple) and any(hasattr(one, "shape") for one in value):
        return f"a {type(value).__name__} of {len(value)} arrays"
    try:
        text = " ".join(repr(value).split())
    except Exception:  # e.g. an integer of 5,000 digits
        text = f"a {type(value).__name__}"
    return text if len(text) <= most else f"{text[:most]}..."


def unknown(kind: str, name: object, available: object) -> OptionError:
    """An OptionError that lists what there is and the nearest match."""
    import difflib

    names = sorted(str(n) for n in available)  # type: ignore[attr-defined]
    by_case = {n.lower(): n for n in names}
    near = difflib.get_close_matches(told(name).strip("'").lower(), by_case, n=1)
    hint = f"; did you mean {by_case[near[0]]!r}?" if near else ""
    return OptionError(f"unknown {kind} {told(name)}{hint} (available: {', '.join(names)})")


def warn(message: str, category: type[Warning] = UserWarning) -> None:
    """A warning that shows the line outside of fastcnn which led here."""
    frame, level = sys._getframe(1), 2
    while frame.f_back is not None and frame.f_code.co_filename.startswith(PACKAGE):
        frame, level = frame.f_back, level + 1
    warnings.warn(message, category, stacklevel=level)
