"""A figure of the epochs that a callback watches, and which way is better."""

import math
from typing import Any

from fastcnn.errors import OptionError, unknown

MODES = ("auto", "min", "max")
LARGER_IS_BETTER = ("accuracy", "auc", "precision", "recall", "f1", "r2", "top_k", "similarity")


class Monitor:
    """mode "auto": figures named like accuracy, auc, f1, ... are to grow, all others to shrink.

    min_delta: what is better by no more than this counts as no better.
    """

    def __init__(self, name: str, mode: str = "auto", min_delta: float = 0.0) -> None:
        if not isinstance(name, str):
            raise OptionError(f"monitor is the name of a figure, e.g. 'val_loss', not {name!r}")
        if mode not in MODES:
            raise unknown("mode", mode, MODES)
        if not min_delta >= 0:
            raise OptionError(f"min_delta must not be negative, not {min_delta}")
        self.name = name
        grows = any(word in name for word in LARGER_IS_BETTER)
        self.sign = 1 if mode == "max" or (mode == "auto" and grows) else -1
        self.min_delta = float(min_delta)

    def check(self, params: dict[str, Any]) -> None:
        """Before training: an error if there will be no such figure for want of validation data."""
        if self.name.startswith("val_") and not params["validation"]:
            raise OptionError(
                f"{self.name!r} can't be monitored without validation data: give "
                f"validation_data or validation_split, or monitor {self.name[4:]!r}"
            )

    def value(self, logs: dict[str, Any]) -> float:
        if self.name not in logs:
            raise unknown("figure to monitor", self.name, logs)
        return float(logs[self.name])

    def improved(self, value: float, best: float | None) -> bool:
        """Whether the value is better than the best so far. NaN never is."""
        if best is None:
            return not math.isnan(value)
        return self.sign * (value - best) > self.min_delta


def saved_best(state: dict[str, Any]) -> float | None:
    """`best` of a callback's state, which comes from a file."""
    return None if state["best"] is None else float(state["best"])
