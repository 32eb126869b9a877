"""What an optimizer is: one fused kernel over all parameters, its state arrays and its numbers."""

import numpy as np

from fastcnn.engine.builder import Builder
from fastcnn.engine.memory import aligned_zeros
from fastcnn.engine.parameters import ParameterStore
from fastcnn.errors import OptionError


class Optimizer:
    """Base of all optimizers. Subclasses store options, name their kernel and its state arrays.

    The rules in subclasses are for one parameter p with gradient g, which includes the slope of
    the penalties (l1 sign(p) + 2 l2 p). weight_decay is decoupled (Loshchilov and Hutter 2019):
    p -= lr * weight_decay * p before the update, on kernels only.
    """

    registered_name: str = ""
    kernel: str
    slot_names: tuple[str, ...]

    def __init__(self, learning_rate: float, weight_decay: float = 0.0) -> None:
        if not learning_rate > 0:
            raise OptionError(f"learning_rate must be positive, not {learning_rate}")
        if weight_decay < 0:
            raise OptionError(f"weight_decay must not be negative, not {weight_decay}")
        self.learning_rate = float(learning_rate)
        self.weight_decay = float(weight_decay)
        self.iterations = 0
        self.learning_rate_scale = 1.0  # the product of what callbacks ask for
        self.slots: dict[str, np.ndarray] = {}
        self._hyper = np.zeros(0)  # bound by every plan, so it is only ever filled anew

    @property
    def rate(self) -> float:
        """The learning rate of the next step."""
        return self.learning_rate * self.learning_rate_scale

    def hyper(self, iteration: int) -> list[float]:
        """The kernel's numbers that change with the iteration, from 1, in its spec row's order."""
        return [self.rate]

    def options(self) -> dict[str, float]:
        """The kernel's parameters that stay the same in every step."""
        return {}

    def initial(self, slot: str) -> float:
        """What a state array is filled with at the beginning."""
        return 0.0

    def reset(self, store: ParameterStore) -> None:
        """Fresh state for the parameters of this store."""
        self.iterations = 0
        self.slots = {
            name: aligned_zeros(store.values.size, store.dtype) for name in self.slot_names
        }
        for name, array in self.slots.items():
            array[...] = self.initial(name)
        self._hyper = np.array(self.hyper(1), np.float64)

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
        self.iterations += 1
        self._hyper[...] = self.hyper(self.iterations)
