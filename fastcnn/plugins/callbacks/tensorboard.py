"""Figures for TensorBoard."""

from pathlib import Path
from typing import Any

from fastcnn.engine.callback import Callback
from fastcnn.engine.options import positive
from fastcnn.plugins.registry import callbacks
from fastcnn.training.optional import require


@callbacks.register("tensorboard")
class TensorBoard(Callback):
    """Event files for `tensorboard --logdir DIR`, in the sub-folders "train" and "validation".

    Tags are "epoch_<figure>", at the number of the epoch from 1, so both parts share a picture;
    and "batch_<figure>" at the number of batches since training began.
    update_freq: "epoch", or also figures of the running epoch after each "batch" or so many.

    A resumed training goes on in the same folder; points of epochs that a crash undid are hidden.
    Needs the package tensorboardX: pip install 'fastcnn[tensorboard]'.
    """

    paths = ("log_dir",)

    def __init__(self, log_dir: str | Path = "logs", update_freq: str | int = "epoch") -> None:
        self.log_dir = Path(log_dir)
        if update_freq == "batch":
            update_freq = 1
        self.update_freq = (
            update_freq if update_freq == "epoch" else positive("update_freq", update_freq)
        )
        self._writers: dict[str, Any] = {}

    def on_train_begin(self, logs: dict[str, Any]) -> None:
        writer = require("tensorboardX", "the callback tensorboard", "tensorboard").SummaryWriter
        parts = ("train", "validation") if self.params["validation"] else ("train",)
        epoch = self.model.progress.epoch
        # Without a suffix, files that are begun in the same second have the same name.
        options: dict[str, Any] = {"filename_suffix": f".{epoch}"}
        if epoch:
            options["purge_step"] = epoch + 1
        self._writers = {part: writer(str(self.log_dir / part), **options) for part in parts}

    def on_batch_end(self, batch: int, logs: dict[str, Any]) -> None:
        step = self.model.optimizer.iterations
        if isinstance(self.update_freq, int) and step % self.update_freq == 0:
            self._write("batch", logs, step)

    def on_epoch_end(self, epoch: int, logs: dict[str, Any]) -> None:
        self._write("epoch", logs, epoch + 1)
        for writer in self._writers.values():
            writer.flush()

    def _write(self, what: str, logs: dict[str, Any], step: int) -> None:
        for name, value in logs.items():
            part = "validation" if name.startswith("val_") else "train"
            tag = f"{what}_{name.removeprefix('val_')}"
            self._writers[part].add_scalar(tag, value, step)

    def on_train_end(self, logs: dict[str, Any]) -> None:
        for writer in self._writers.values():
            writer.close()
        self._writers = {}
