"""What training measured, epoch by epoch."""

from dataclasses import dataclass, field
from typing import Any


@dataclass
class History:
    """`history["loss"][k]` is the mean training loss of epoch k; also accuracy, val_loss, ..."""

    history: dict[str, list[float]] = field(default_factory=dict)

    def append(self, logs: dict[str, Any]) -> None:
        for name, value in logs.items():
            self.history.setdefault(name, []).append(value)

    @property
    def epoch(self) -> list[int]:
        return list(range(len(self.history.get("loss", []))))

    def rows(self) -> list[dict[str, float]]:
        """One dict for each epoch."""
        return [
            {"epoch": k + 1, **{name: values[k] for name, values in self.history.items()}}
            for k in self.epoch
        ]


@dataclass
class Progress:
    """Where training stands: enough to go on from here with the same bits."""

    epoch: int = 0  # finished epochs
    batch: int = 0  # finished batches of the running epoch
    seen: int = 0  # samples, and sums over them, of the running epoch
    loss_sum: float = 0.0
    correct_sum: float = 0.0

    def begin_epoch(self) -> None:
        self.batch = self.seen = 0
        self.loss_sum = self.correct_sum = 0.0

    def add(self, count: int, loss_sum: float, correct_sum: float) -> None:
        self.batch += 1
        self.seen += count
        self.loss_sum += loss_sum
        self.correct_sum += correct_sum

    def logs(self, with_accuracy: bool) -> dict[str, float]:
        seen = max(self.seen, 1)
        logs = {"loss": self.loss_sum / seen}
        return logs | {"accuracy": self.correct_sum / seen} if with_accuracy else logs
