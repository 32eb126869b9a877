"""Writes a run's checkpoint and history while it trains."""

from typing import Any

import numpy as np

from fastcnn.engine.callback import Callback
from fastcnn.errors import DivergedError
from fastcnn.training.run_folder import RunFolder


class Recorder(Callback):
    """A checkpoint at the start and after each epoch; a line of history for each epoch."""

    def __init__(self, folder: RunFolder) -> None:
        self.folder = folder

    def save(self) -> None:
        """The checkpoint; never of weights that are no numbers: the last good one stays."""
        if not np.isfinite(self.model.store.values).all():
            raise DivergedError(
                f"weights became infinite or NaN in epoch {self.model.progress.epoch}: "
                f"try a smaller learning rate than {self.model.optimizer.learning_rate:g}"
            )
        self.model.save(self.folder.checkpoint)

    def on_train_begin(self, logs: dict[str, Any]) -> None:
        self.save()
        # After a crash the file may be a line ahead of the checkpoint, or behind it.
        self.folder.write_history(self.model.history.rows())

    def on_epoch_end(self, epoch: int, logs: dict[str, Any]) -> None:
        self.save()
        self.folder.append_history({"epoch": epoch + 1, **logs})
