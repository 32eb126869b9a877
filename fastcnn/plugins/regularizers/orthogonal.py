"""Pulls the weights of different units towards a right angle."""

from typing import Any

from fastcnn.engine.options import number
from fastcnn.engine.regularizer import Regularizer
from fastcnn.errors import OptionError
from fastcnn.plugins.registry import regularizers


@regularizers.register("orthogonal")
class Orthogonal(Regularizer):
    """factor times the mean over all pairs i < j of |cos of the angle between v[i] and v[j]|

    mode: "columns": v[i] are the weights that come into unit (or filter) i; "rows": those that
        leave input i. (Keras' names: there a dense kernel is (inputs, units). Of convolutions,
        which Keras refuses, every weight of a filter is an input.)
    """

    kernel = "orthogonal_penalty"

    def __init__(self, factor: float = 0.01, mode: str = "rows") -> None:
        self.factor = number("factor", factor, zero=True)
        if mode not in ("rows", "columns"):
            raise OptionError(f'mode must be "rows" or "columns", not {mode!r}')
        self.mode = mode

    def options(self) -> dict[str, Any]:
        return {"factor": self.factor, "rows": int(self.mode == "rows")}
