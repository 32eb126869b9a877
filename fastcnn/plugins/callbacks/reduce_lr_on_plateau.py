"""A smaller learning rate when a figure gets no better."""

from typing import Any

from fastcnn.engine.callback import Callback, State
from fastcnn.engine.options import count
from fastcnn.errors import OptionError
from fastcnn.plugins.registry import callbacks
from fastcnn.training.monitor import Monitor, saved_best


@callbacks.register("reduce_lr_on_plateau")
class ReduceLROnPlateau(Callback):
    """rate = factor rate after `patience` epochs in a row without a better `monitor` figure.

    The factors multiply the learning rate, be it a number or a schedule, which goes on underneath;
    the optimizer's own `learning_rate` stays as it is.

    mode, min_delta: as in EarlyStopping. cooldown: epochs after a reduction that do not count.
    min_lr: the rate at the time of a reduction is not reduced below this.
    """

    def __init__(
        self,
        monitor: str = "val_loss",
        factor: float = 0.1,
        patience: int = 10,
        mode: str = "auto",
        min_delta: float = 1e-4,
        cooldown: int = 0,
        min_lr: float = 0.0,
    ) -> None:
        if not 0 < factor < 1:
            raise OptionError(f"factor lies between 0 and 1, not {factor}")
        if not min_lr >= 0:
            raise OptionError(f"min_lr must not be negative, not {min_lr}")
        self.figure = Monitor(monitor, mode, min_delta)
        self.factor = float(factor)
        self.patience = count("patience", patience)
        self.cooldown = count("cooldown", cooldown)
        self.min_lr = float(min_lr)
        self._reset()

    def _reset(self) -> None:
        self.learning_rate_scale = 1.0
        self.best: float | None = None
        self.wait = 0
        self.cooldown_left = 0

    def on_train_begin(self, logs: dict[str, Any]) -> None:
        self._reset()
        self.figure.check(self.params)

    def on_epoch_end(self, epoch: int, logs: dict[str, Any]) -> None:
        value = self.figure.value(logs)
        if self.cooldown_left:
            self.cooldown_left -= 1
            self.wait = 0
        if self.figure.improved(value, self.best):
            self.best, self.wait = value, 0
        elif not self.cooldown_left:
            self.wait += 1
            if self.wait >= self.patience:
                self._reduce()

    def _reduce(self) -> None:
        rate = self.model.optimizer.rate
        if rate > self.min_lr:
            self.learning_rate_scale *= max(self.factor, self.min_lr / rate)
            self.wait, self.cooldown_left = 0, self.cooldown

    def state_dict(self) -> State:
        return {
            "best": self.best,
            "wait": self.wait,
            "cooldown_left": self.cooldown_left,
            "scale": self.learning_rate_scale,
        }

    def load_state(self, state: State) -> None:
        self.best, self.wait = saved_best(state), int(state["wait"])
        self.cooldown_left = int(state["cooldown_left"])
        self.learning_rate_scale = float(state["scale"])
