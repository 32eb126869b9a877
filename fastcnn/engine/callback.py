"""What a callback is: six hooks around training, its epochs and its batches."""

from typing import Any


class Callback:
    """Base of all callbacks. `logs` holds the figures so far, e.g. {"loss": 0.3, "accuracy": 0.9}.

    `self.model` is set before training begins. `self.model.stop_training = True` ends training
    after the batch.
    """

    registered_name: str = ""
    model: Any = None

    def on_train_begin(self, logs: dict[str, Any]) -> None: ...

    def on_train_end(self, logs: dict[str, Any]) -> None: ...

    def on_epoch_begin(self, epoch: int, logs: dict[str, Any]) -> None: ...

    def on_epoch_end(self, epoch: int, logs: dict[str, Any]) -> None: ...

    def on_batch_begin(self, batch: int, logs: dict[str, Any]) -> None: ...

    def on_batch_end(self, batch: int, logs: dict[str, Any]) -> None: ...
