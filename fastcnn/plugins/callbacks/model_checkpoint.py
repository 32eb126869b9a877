"""Model files while training runs."""

from pathlib import Path
from typing import Any

from fastcnn.engine.callback import Callback, State
from fastcnn.engine.options import positive
from fastcnn.errors import OptionError
from fastcnn.plugins.registry import callbacks
from fastcnn.training.monitor import Monitor, saved_best


@callbacks.register("model_checkpoint")
class ModelCheckpoint(Callback):
    """Save the model after each epoch, or after so many batches, whole or not at all.

    filepath: may hold {epoch} (from 1), {batch} (from 1, of the epoch) and any figure, formatted as
        usual: "runs/{epoch:03d}-{val_loss:.4f}.safetensors".
    monitor, mode: the figure that decides, with save_best_only, whether the model is saved.
    save_freq: "epoch", or a number of batches, counted over epochs; then figures are those of the
        running epoch, and there are no `val_` ones.
    training_state: whether `fit` can go on from the file.

    Weights that are no finite numbers are never saved.
    """

    runs_last = True
    paths = ("filepath",)

    def __init__(
        self,
        filepath: str | Path,
        monitor: str = "val_loss",
        save_best_only: bool = False,
        mode: str = "auto",
        save_freq: str | int = "epoch",
        training_state: bool = True,
    ) -> None:
        self.filepath = str(filepath)
        self.figure = Monitor(monitor, mode)
        self.save_best_only = save_best_only
        self.save_freq = save_freq if save_freq == "epoch" else positive("save_freq", save_freq)
        self.training_state = training_state
        self.best: float | None = None

    def on_train_begin(self, logs: dict[str, Any]) -> None:
        self.best = None
        if self.save_best_only:
            self.figure.check(self.params)

    def on_batch_end(self, batch: int, logs: dict[str, Any]) -> None:
        every = self.save_freq
        if isinstance(every, int) and self.model.optimizer.iterations % every == 0:
            self._save(self.model.progress.epoch, batch, logs)

    def on_epoch_end(self, epoch: int, logs: dict[str, Any]) -> None:
        if self.save_freq == "epoch":
            self._save(epoch, self.params["steps"] - 1, logs)

    def _save(self, epoch: int, batch: int, logs: dict[str, Any]) -> None:
        if self.model.store.no_numbers():
            return
        if self.save_best_only:
            value = self.figure.value(logs)
            if not self.figure.improved(value, self.best):
                return
            self.best = value
        path = self._path({"epoch": epoch + 1, "batch": batch + 1, **logs})
        self.model.save(path, training_state=self.training_state)

    def _path(self, fields: dict[str, Any]) -> Path:
        try:
            return Path(self.filepath.format(**fields))
        except (KeyError, IndexError, ValueError) as error:
            raise OptionError(
                f"filepath {self.filepath!r}: {type(error).__name__} {error} "
                f"(available: {', '.join(fields)})"
            ) from error

    def state_dict(self) -> State:
        return {"best": self.best}

    def load_state(self, state: State) -> None:
        self.best = saved_best(state)
