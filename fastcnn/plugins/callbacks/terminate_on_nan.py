"""A calm end when the loss is no number."""

import math
from typing import Any

from fastcnn.engine.callback import Callback
from fastcnn.plugins.registry import callbacks


@callbacks.register("terminate_on_nan")
class TerminateOnNaN(Callback):
    """Stop training after the batch whose loss is NaN or infinite, instead of a DivergedError.

    By then the weights are no numbers either: use it with EarlyStopping, which brings back the best
    ones. The broken epoch is not in the history.
    """

    def on_batch_end(self, batch: int, logs: dict[str, Any]) -> None:
        if not math.isfinite(logs["loss"]):
            epoch = self.model.progress.epoch
            self.stop(f"the loss became {logs['loss']} in epoch {epoch + 1}, batch {batch + 1}")
