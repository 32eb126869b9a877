"""The learning rate of each epoch from a function."""

import inspect
from collections.abc import Callable
from typing import Any

from fastcnn.arguments import is_number
from fastcnn.engine.callback import Callback
from fastcnn.errors import OptionError, told
from fastcnn.plugins.registry import callbacks


@callbacks.register("learning_rate_scheduler")
class LearningRateScheduler(Callback):
    """optimizer.learning_rate = schedule(epoch, learning rate so far), or schedule(epoch).

    It is called at the beginning of each epoch, the first is epoch 0. The optimizer must have a
    number as learning rate, not a schedule of its own.
    """

    def __init__(self, schedule: Callable[..., float]) -> None:
        if not callable(schedule):
            raise OptionError(
                f"schedule must be a function of the epoch and the rate, not {schedule!r}; for a "
                "schedule by name give it to the optimizer as learning_rate"
            )
        self.schedule = schedule
        self._takes_rate = _parameters(schedule) != 1

    def on_train_begin(self, logs: dict[str, Any]) -> None:
        rate = self.model.optimizer.learning_rate
        if not isinstance(rate, float):
            raise OptionError(
                f"learning_rate_scheduler would replace the optimizer's schedule {rate!r}: "
                "use one of them"
            )

    def on_epoch_begin(self, epoch: int, logs: dict[str, Any]) -> None:
        optimizer = self.model.optimizer
        arguments = (epoch, optimizer.learning_rate) if self._takes_rate else (epoch,)
        rate: Any = self.schedule(*arguments)
        if getattr(rate, "ndim", None) == 0:  # an array of one number
            rate = rate.item()
        if not is_number(rate) or not rate > 0:
            raise OptionError(
                f"the schedule must return a positive number, not {told(rate)}, for epoch {epoch}"
            )
        optimizer.learning_rate = float(rate)


def _parameters(function: Callable[..., float]) -> int:
    """How many it takes by place; 2 if it does not say."""
    try:
        parameters = inspect.signature(function).parameters.values()
    except (TypeError, ValueError):
        return 2
    return sum(p.kind in (p.POSITIONAL_ONLY, p.POSITIONAL_OR_KEYWORD) for p in parameters)
