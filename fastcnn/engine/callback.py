"""What a callback is: six hooks around training, its epochs and its batches; and its state."""

from typing import Any

import numpy as np

State = dict[str, Any]  # numbers, texts, None, arrays, and lists and dicts of them


class Callback:
    """Base of all callbacks. `logs` holds the figures so far, e.g. {"loss": 0.3, "accuracy": 0.9}.

    self.model is set before training begins, and self.params: "epochs" (the number of the last one,
    from 1), "first_epoch" (that of the first one, from 0), "steps" (batches of an epoch), "samples"
    (images of an epoch), "validation" (whether logs will hold `val_` figures). Where training takes
    batches as they come, "samples" is None and so may "steps" be, until the last batch of an epoch.
    `self.stop(reason)` ends training after the batch.

    Training starts afresh in `on_train_begin`, in every call of `fit`, so an object may serve
    several models. What must outlive an interruption goes through `state_dict` and `load_state`,
    for `fit` with `initial_epoch`; checkpoints hold it.
    """

    registered_name: str = ""
    model: Any = None
    params: dict[str, Any]
    # The learning rate is multiplied by those of all callbacks, so that several can change it and
    # any schedule goes on underneath.
    learning_rate_scale: float = 1.0
    # Callbacks that write the model down: their hooks run after the others', whose state they save.
    runs_last: bool = False
    # Options that are paths to write to: in a recipe or a model file they stay in the run's folder.
    paths: tuple[str, ...] = ()

    def on_train_begin(self, logs: dict[str, Any]) -> None: ...

    def on_train_end(self, logs: dict[str, Any]) -> None: ...

    def on_epoch_begin(self, epoch: int, logs: dict[str, Any]) -> None: ...

    def on_epoch_end(self, epoch: int, logs: dict[str, Any]) -> None: ...

    def on_batch_begin(self, batch: int, logs: dict[str, Any]) -> None: ...

    def on_batch_end(self, batch: int, logs: dict[str, Any]) -> None: ...

    def stop(self, reason: str) -> None:
        """End training after the batch; the reason is what the command line prints."""
        self.model.stop_training = True
        self.model.stop_reason = reason

    def state_dict(self) -> State:
        """What `load_state` needs to go on with the same bits."""
        return {}

    def load_state(self, state: State) -> None:
        """Go on from this state; called after `on_train_begin` where training goes on."""

    def averaged_weights(self) -> dict[str, np.ndarray] | None:
        """Weights to validate, save and keep in place of those of training, if there are any."""
        return None
