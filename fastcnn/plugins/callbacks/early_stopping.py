"""Stop when a figure gets no better."""

from typing import Any

import numpy as np

from fastcnn.engine.callback import Callback, State
from fastcnn.engine.options import count
from fastcnn.plugins.registry import callbacks
from fastcnn.training.monitor import Monitor, saved_best
from fastcnn.training.swap import swap_in


@callbacks.register("early_stopping")
class EarlyStopping(Callback):
    """Stop after `patience` epochs in a row without a better `monitor` figure.

    min_delta: a change of no more than this is no improvement.
    mode: "min", "max", or "auto": accuracy and the like are to grow, all else to shrink.
    baseline: an epoch counts as better only if it is better than this, too.
    restore_best_weights: the weights of the best epoch are in place after every training, be it
        stopped here, at its last epoch, by an interruption or by an error. Training that goes on
        (`fit` with initial_epoch, --resume) does so from its own last weights; `fit` that begins
        anew takes the best ones.
    start_from_epoch: so many epochs, of those of the training, do not count.

    A training that has stopped stays so if it goes on, unless `patience` is larger then.
    (Prechelt, "Early stopping - but when?", 1998.)
    """

    def __init__(
        self,
        monitor: str = "val_loss",
        min_delta: float = 0.0,
        patience: int = 0,
        mode: str = "auto",
        baseline: float | None = None,
        restore_best_weights: bool = True,
        start_from_epoch: int = 0,
    ) -> None:
        self.figure = Monitor(monitor, mode, abs(min_delta))
        self.patience = count("patience", patience)
        self.baseline = baseline
        self.restore_best_weights = restore_best_weights
        self.start_from_epoch = count("start_from_epoch", start_from_epoch)
        self._reset()

    def _reset(self) -> None:
        self.best: float | None = None
        self.best_epoch: int | None = None
        self.wait = 0
        self.best_weights: dict[str, np.ndarray] | None = None

    def on_train_begin(self, logs: dict[str, Any]) -> None:
        self._reset()
        self.figure.check(self.params)

    def on_epoch_end(self, epoch: int, logs: dict[str, Any]) -> None:
        value = self.figure.value(logs)
        if epoch - self.params["first_epoch"] < self.start_from_epoch:
            return
        self.wait += 1
        if self.figure.improved(value, self.best):
            self.best, self.best_epoch = value, epoch
            if self.restore_best_weights:
                self.best_weights = self.model.store.copies()
            if self.baseline is None or self.figure.improved(value, self.baseline):
                self.wait = 0
        self._stop_if_due()

    def _stop_if_due(self) -> None:
        if self.wait and self.wait >= self.patience:
            best = "" if self.best_epoch is None else f" since epoch {self.best_epoch + 1}"
            self.stop(f"{self.figure.name} is no better{best}")

    def on_train_end(self, logs: dict[str, Any]) -> None:
        best = self.best_weights
        if best is not None and not all(
            np.array_equal(value, best[key]) for key, value in self.model.store.items()
        ):
            swap_in(self.model, best)

    def state_dict(self) -> State:
        return {
            "best": self.best,
            "best_epoch": self.best_epoch,
            "wait": self.wait,
            "best_weights": self.best_weights,
        }

    def load_state(self, state: State) -> None:
        self.best, self.best_epoch = saved_best(state), state["best_epoch"]
        if not isinstance(self.best_epoch, int | None):
            raise TypeError(f"best_epoch {self.best_epoch!r}")
        self.wait = int(state["wait"])
        weights = state["best_weights"]
        if weights is not None:
            self.model.store.check(weights)
        self.best_weights = weights
        self._stop_if_due()
