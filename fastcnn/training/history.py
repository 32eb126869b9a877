"""What training measured, epoch by epoch."""

import math
from dataclasses import dataclass, field
from typing import Any

import numpy as np


@dataclass
class History:
    """`history["loss"][k]` is the mean training loss of the k-th epoch; also accuracy, val_loss.

    epoch: the numbers of the epochs, from 0. A figure that an epoch did not have is NaN.
    """

    history: dict[str, list[float]] = field(default_factory=dict)
    epoch: list[int] = field(default_factory=list)

    def append(self, epoch: int, logs: dict[str, Any]) -> None:
        for name in dict.fromkeys([*self.history, *logs]):
            values = self.history.setdefault(name, [math.nan] * len(self.epoch))
            values.append(logs.get(name, math.nan))
        self.epoch.append(epoch)

    def rows(self) -> list[dict[str, float]]:
        """One dict for each epoch, with its number from 1."""
        return [
            {"epoch": epoch + 1, **{name: values[k] for name, values in self.history.items()}}
            for k, epoch in enumerate(self.epoch)
        ]


@dataclass
class Progress:
    """Where training stands: enough to go on from here with the same bits."""

    epoch: int = 0  # finished epochs
    batch: int = 0  # finished batches of the running epoch
    seen: int = 0  # samples of the running epoch
    sums: dict[str, float] = field(default_factory=dict)  # of its figures over these samples
    # Outputs of these samples by the head's name, batch after batch, for metrics.
    outputs: dict[str, list[np.ndarray]] = field(default_factory=dict)
    first_epoch: int = 0  # the epoch that this training began with
    samples: int = 0  # of the running epoch; 0: unknown

    def begin_epoch(self) -> None:
        self.batch = self.seen = 0
        self.sums, self.outputs = {}, {}

    def add(self, count: int, sums: dict[str, float], rows: dict[str, np.ndarray]) -> None:
        self.batch += 1
        self.seen += count
        for name, value in sums.items():
            self.sums[name] = self.sums.get(name, 0.0) + value
        for name, array in rows.items():
            self.outputs.setdefault(name, []).append(array)

    def logs(self) -> dict[str, float]:
        """Means over the samples so far, e.g. {"loss": 0.3, "accuracy": 0.9}."""
        return {name: value / max(self.seen, 1) for name, value in self.sums.items()}
