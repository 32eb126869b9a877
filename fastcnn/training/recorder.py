"""Writes a run's checkpoint and history while it trains."""

from typing import Any

import numpy as np

from fastcnn.engine.callback import Callback
from fastcnn.errors import DivergedError
from fastcnn.training.run_folder import RunFolder


class Recorder(Callback):
    """A checkpoint at the start and after each epoch; a line of history for each epoch."""

    runs_last = True

    def __init__(self, folder: RunFolder) -> None:
        self.folder = folder

    def save(self) -> None:
        """The checkpoint; never of weights that are no numbers: the last good one stays."""
        if names := self.model.store.no_numbers():
            what = f"the weights ({', '.join(names[:3])}{', ...' * (len(names) > 3)})"
            raise self._diverged(what, self.model.progress.epoch)
        self.model.save(self.folder.checkpoint)

    def _diverged(self, what: str, epoch: int) -> DivergedError:
        rate = self.model.optimizer.rate
        return DivergedError(
            f"{what} became infinite or NaN in epoch {epoch}: "
            f"try a smaller learning rate than {rate:g}"
        )

    def on_train_begin(self, logs: dict[str, Any]) -> None:
        self.save()
        # After a crash the file may be a line ahead of the checkpoint, or behind it.
        self.folder.write_history(self.model.history.rows())

    def on_epoch_end(self, epoch: int, logs: dict[str, Any]) -> None:
        for name, value in logs.items():
            if name.endswith("loss") and not np.isfinite(value):
                raise self._diverged(name, epoch + 1)
        self.save()
        self.folder.append_history({"epoch": epoch + 1, **logs})
