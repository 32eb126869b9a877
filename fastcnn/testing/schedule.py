"""The check for schedules of the learning rate."""

import math
from typing import Any

import numpy as np

from fastcnn.engine.callback import Callback
from fastcnn.engine.schedule import Schedule
from fastcnn.errors import OptionError
from fastcnn.plugins.registry import schedules
from fastcnn.testing.registered import case, checking, options_of
from fastcnn.testing.training import BATCH, EPOCHS, SAMPLES, Course, check_training, small_model

TOTAL = EPOCHS * -(-SAMPLES // BATCH)


class Rates(Callback):
    """The learning rates that the kernels got."""

    def on_train_begin(self, logs: dict[str, Any]) -> None:
        self.seen: list[float] = []

    def on_batch_end(self, batch: int, logs: dict[str, Any]) -> None:
        self.seen.append(self.model.optimizer._hyper[0])


def check_schedule(schedule: Any) -> None:
    """Raise an AssertionError that says what is wrong with a schedule.

    schedule: a name, {"name": ..., option: ...} or an object.

    - the rate of every step, also after the last one, is a finite number that is not negative
    - it depends on nothing but the step and, if it `fits_training`, the number of steps in all:
      the same in any order; one that fits says so without that number, the others do not need it
    - training takes these rates, with the same bits on any number of threads, and if saved and
      resumed after 25 steps
    """
    with checking(schedules, schedule) as made:
        steps = range(TOTAL + 20)
        rates = [made(step, TOTAL) for step in steps]
        for step, rate in zip(steps, rates, strict=True):
            is_number = isinstance(rate, int | float | np.floating)
            assert is_number and math.isfinite(rate) and rate >= 0, (
                f"the rate of step {step} of {TOTAL} is {rate!r}"
            )
        again = [made(step, TOTAL) for step in reversed(steps)][::-1]
        assert again == rates, "the rate of a step depends on the calls before"
        _check_length(made)
        _check_training(made, rates)


def _check_length(made: Schedule) -> None:
    if not made.fits_training:
        with case("without the training's length, which it says it does not need"):
            assert made(3) == made(3, TOTAL) == made(3, 2 * TOTAL), "the rate is another one"
        return
    try:
        made(3)
    except OptionError:
        return
    raise AssertionError("it fits the training, but gives a rate without knowing its length")


def _check_training(made: Schedule, rates: list[float]) -> None:
    # Short steps, so that no rate is too large.
    sgd = {"name": "sgd", "learning_rate": options_of(made), "global_clipnorm": 1e-3}
    course = Course(sgd)
    with case("training"):
        model, seen = course.compile(small_model()), Rates()
        course.fit(model, seen)
        assert seen.seen == rates[:TOTAL], "does not take the rates that the schedule gives"
    check_training(small_model, course)
