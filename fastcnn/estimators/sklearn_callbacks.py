"""scikit-learn's own callbacks (`set_callbacks`, since 1.9): each epoch is a task of `fit`.

The one place that knows that interface, which is experimental there. Before 1.9 estimators do
without it.
"""

from copy import deepcopy
from typing import Any

from fastcnn.engine.callback import Callback

try:
    from sklearn.callback import CallbackSupportMixin, with_callbacks
except ImportError:

    class CallbackSupportMixin:  # type: ignore[no-redef]
        """Nothing to support."""

    def with_callbacks(method: Any) -> Any:
        return method


class EpochTasks(Callback):
    """Tells scikit-learn's callbacks of every epoch; one that returns True ends training."""

    def __init__(self, estimator: Any, epochs: int, data: dict[str, Any]) -> None:
        self.estimator, self.data = estimator, {"estimator": estimator, **data}
        self.root = estimator._init_callback_context(max_subtasks=epochs)
        self.root.call_on_fit_task_begin(**self.data)

    def on_epoch_begin(self, epoch: int, logs: dict[str, Any]) -> None:
        self.task = self.root.subcontext(task_name="epoch")
        self.task.call_on_fit_task_begin(**self.data)

    def on_epoch_end(self, epoch: int, logs: dict[str, Any]) -> None:
        if self.task.call_on_fit_task_end(**self.data, reconstruction_attributes=self._fitted):
            self.stop("a callback of scikit-learn asked for it")

    def finish(self) -> None:
        """Training is done, without an error."""
        self.root.call_on_fit_task_end(**self.data, reconstruction_attributes=self._fitted)

    def _fitted(self) -> dict[str, Any]:
        """What predicts as the estimator would if it stopped now."""
        return {"model_": deepcopy(self.model)}


def epoch_tasks(estimator: Any, epochs: int, **data: Any) -> list[EpochTasks]:
    """A callback for the engine; none before scikit-learn 1.9."""
    supported = hasattr(estimator, "_init_callback_context")
    return [EpochTasks(estimator, epochs, data)] if supported else []
