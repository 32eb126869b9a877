"""What an optimizer is: one fused kernel over all parameters, its state arrays and its numbers."""

import math
import warnings

import numpy as np

from fastcnn.engine.builder import Builder
from fastcnn.engine.memory import aligned_zeros
from fastcnn.engine.parameters import ParameterStore
from fastcnn.engine.schedule import Schedule, learning_rate_option, rate_at
from fastcnn.errors import OptionError

Rate = float | str | dict | Schedule  # what `learning_rate` takes


class Optimizer:
    """Base of all optimizers. Subclasses store options, name their kernel and its state arrays.

    The rules in subclasses are for one parameter p with gradient g, which includes the slope of
    the penalties (l1 sign(p) + 2 l2 p). weight_decay is decoupled (Loshchilov and Hutter 2019):
    p -= lr * weight_decay * p before the update, on kernels only.

    learning_rate: a positive number, or a schedule (object, name or {"name": ..., option: ...}).
    """

    registered_name: str = ""
    kernel: str
    slot_names: tuple[str, ...]

    def __init__(self, learning_rate: Rate, weight_decay: float = 0.0) -> None:
        if weight_decay < 0:
            raise OptionError(f"weight_decay must not be negative, not {weight_decay}")
        self.learning_rate = learning_rate
        self.weight_decay = float(weight_decay)
        self.iterations = 0
        self.total_steps: int | None = None  # of the training, for schedules that fit it
        self.slots: dict[str, np.ndarray] = {}
        self._hyper = np.zeros(0)  # bound by every plan, so it is only ever filled anew

    @property
    def learning_rate(self) -> float | Schedule:
        """As given. A number may be set at any time; it counts from the next step."""
        return self._learning_rate

    @learning_rate.setter
    def learning_rate(self, value: Rate) -> None:
        self._learning_rate = learning_rate_option("learning_rate", value)

    @property
    def rate(self) -> float:
        """The learning rate of the next step."""
        rate = rate_at(self.learning_rate, self.iterations, self.total_steps)
        if not 0 <= rate < math.inf:
            raise OptionError(f"the learning rate of step {self.iterations} is {rate}")
        return float(rate)

    def hyper(self, iteration: int, rate: float) -> list[float]:
        """The kernel's numbers that change with the iteration, from 1, in its spec row's order.

        rate: the learning rate of this iteration, always the first of them.
        """
        return [rate]

    def options(self) -> dict[str, float]:
        """The kernel's parameters that stay the same in every step."""
        return {}

    def initial(self, slot: str) -> float:
        """What a state array is filled with at the beginning."""
        return 0.0

    def reset(self, store: ParameterStore) -> None:
        """Fresh state for the parameters of this store."""
        self.iterations = 0
        self.total_steps = None
        self.slots = {
            name: aligned_zeros(store.values.size, store.dtype) for name in self.slot_names
        }
        for name, array in self.slots.items():
            array[...] = self.initial(name)
        self._hyper = np.array(self.hyper(1, 0.0), np.float64)

    def begin_training(self, total_steps: int) -> None:
        """Training until so many steps are done begins, or goes on.

        The first number stays, so that training on with more epochs does not bend the schedule.
        """
        if self.total_steps is None:
            self.total_steps = total_steps
        fits = isinstance(self.learning_rate, Schedule) and self.learning_rate.fits_training
        if fits and total_steps > self.total_steps:
            last = rate_at(self.learning_rate, self.total_steps, self.total_steps)
            warnings.warn(
                f"the learning rate's schedule ends after {self.total_steps} steps, training after "
                f"{total_steps}: the steps between have the rate {last:g}",
                stacklevel=3,
            )

    def emit(self, build: Builder) -> None:
        """Append the update of all parameters."""
        store = build.store
        build.step(
            self.kernel,
            self.options(),
            p=store.values,
            g=store.gradients,
            bounds=store.bounds,
            penalties=store.penalties(self.weight_decay),
            hyper=self._hyper,
            **self.slots,
        )

    def begin_step(self) -> None:
        """Count the iteration and hand its numbers to the kernel."""
        rate = self.rate
        self.iterations += 1
        self._hyper[...] = self.hyper(self.iterations, rate)
