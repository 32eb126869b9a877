"""What a schedule is: the learning rate as a function of the iteration."""

import numbers
from abc import ABC, abstractmethod
from typing import Any, ClassVar

from fastcnn.engine.options import number
from fastcnn.errors import OptionError
from fastcnn.plugins.registry import make, schedules


class Schedule(ABC):
    """Base of all schedules: `schedule(i)` is the learning rate of the step after i iterations.

    A schedule holds options only, so the rate after resuming is the rate without a break.
    """

    registered_name: str = ""
    # The option that `fastcnn train --lr` sets, if any.
    rate_option: ClassVar[str | None] = "initial_learning_rate"

    @abstractmethod
    def __call__(self, step: int, total_steps: int | None = None) -> float:
        """The rate after `step` iterations (0: of the first step) of a training of `total_steps`.

        total_steps: `fit` tells it; only schedules that fit the training need it.
        """

    @property
    def fits_training(self) -> bool:
        """Whether it is as long as the training, because no length of its own was given."""
        return False


def length(own: int | None, total_steps: int | None) -> int:
    """Steps of a schedule: its own number, or else that of the training."""
    steps = total_steps if own is None else own
    if steps is None:
        raise OptionError(
            "the schedule has no length: give its number of steps, or train with fit, which must "
            "know its steps_per_epoch"
        )
    return max(steps, 1)


def steps_option(name: str, value: Any, *, optional: bool = False) -> Any:
    """A positive number of steps, or None where the training's length may stand for it."""
    if value is None and optional:
        return None
    if isinstance(value, bool) or not isinstance(value, numbers.Integral) or value < 1:
        what = "a positive number of steps" + " or None" * optional
        raise OptionError(f"{name} must be {what}, not {value!r}")
    return int(value)


def learning_rate_option(name: str, value: Any) -> float | Schedule:
    """A learning rate: a positive number, a schedule, its name or {"name": ..., option: ...}."""
    if not isinstance(value, str | dict | Schedule):
        return number(name, value)
    schedule = make(schedules, value)
    if not isinstance(schedule, Schedule):
        raise OptionError(f"{name} must be a number or a schedule, not {value!r}")
    return schedule


def rate_at(rate: float | Schedule, step: int, total_steps: int | None) -> float:
    """The number that a learning rate is after `step` iterations."""
    return rate(step, total_steps) if isinstance(rate, Schedule) else rate
