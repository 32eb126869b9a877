"""The best figure of the training so far, in the history."""

from fastcnn.engine.callback import Callback
from fastcnn.errors import OptionError
from fastcnn.plugins.registry import callbacks


@callbacks.register("best_so_far")
class BestSoFar(Callback):
    """logs["best_" + monitor]: the smallest loss, or the largest of any other figure, so far."""

    def __init__(self, monitor="loss"):
        self.monitor = monitor

    def on_train_begin(self, logs):
        self.best = None

    def on_epoch_end(self, epoch, logs):
        if self.monitor not in logs:
            raise OptionError(f"there is no figure {self.monitor!r}, only {', '.join(logs)}")
        better = min if self.monitor.endswith("loss") else max
        value = logs[self.monitor]
        self.best = value if self.best is None else better(self.best, value)
        logs[f"best_{self.monitor}"] = self.best

    def state_dict(self):
        return {"best": self.best}

    def load_state(self, state):
        self.best = state["best"]
