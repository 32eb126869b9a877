"""What an activation is: a function of each number, and the kernels that compute it."""

from abc import ABC, abstractmethod
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from fastcnn.engine.expected import Values
from fastcnn.errors import OptionError
from fastcnn.kernels.reference.activation import activate, input_slope
from fastcnn.kernels.spec import ENUMS, SLOPE_FROM_OUTPUT, Op, register_kernel
from fastcnn.plugins.registry import activations, config_of, layers, make

if TYPE_CHECKING:
    from fastcnn.engine.layer import Layer


@dataclass(frozen=True)
class Kernels:
    """forward (x -> y) and backward (dy, x -> dx): names of kernels, and parameters of both."""

    forward: str
    backward: str
    params: dict[str, Any] = field(default_factory=dict)


class ActivationFunction(ABC):
    """Base of all activations. Subclasses only store their options and register a name."""

    registered_name: str = ""
    output_values: Values | None = None  # the numbers that it gives, for the checks of `fit`

    @abstractmethod
    def layer(self) -> "Layer":
        """The layer that computes it."""

    def __repr__(self) -> str:
        options = {k: v for k, v in config_of(self).items() if k != "name"}
        return f"{type(self).__name__}({', '.join(f'{k}={v!r}' for k, v in options.items())})"


class Elementwise(ActivationFunction):
    """y = f(x) for each number. A plugin writes `value` and `slope` in NumPy, and is done.

    They take arrays of any shape, float32 or float64, and return as many numbers. The plan runs
    them as steps of their own, on one thread.
    """

    code = ""  # its name in kernels.spec.ENUMS["activation"], if the kernels know it
    alpha: float = 0.0  # the number that goes with the code

    @abstractmethod
    def value(self, x: np.ndarray) -> np.ndarray:
        """f(x)"""

    @abstractmethod
    def slope(self, x: np.ndarray) -> np.ndarray:
        """f'(x)"""

    @property
    def in_kernels(self) -> bool:
        """Whether kernels of other layers can apply it."""
        return self.code in ENUMS["activation"]

    @property
    def fusable(self) -> bool:
        """Whether they also know its slope from its output."""
        return self.code in SLOPE_FROM_OUTPUT

    def kernels(self) -> Kernels:
        """Kernels of its own, for where it is not fused."""
        return Kernels("function_forward", "function_backward", {"function": self})

    def layer(self) -> "Layer":
        """An Activation layer."""
        return layers.get("activation")(self)


class NativeActivation(Elementwise):
    """An activation of the kernel table, named by `code`."""

    def value(self, x: np.ndarray) -> np.ndarray:
        """f(x), in NumPy."""
        return activate(np.asarray(x), self.code, self.alpha)

    def slope(self, x: np.ndarray) -> np.ndarray:
        """f'(x), in NumPy."""
        return input_slope(np.asarray(x), self.code, self.alpha)

    def kernels(self) -> Kernels:
        """The kernels that all activations of the table share."""
        backward = "activation_backward" if self.fusable else "activation_input_backward"
        params = {"activation": self.code, "alpha": self.alpha}
        return Kernels("activation_forward", backward, params)


def make_activation(value: Any) -> ActivationFunction:
    """From None (linear), a name, {"name": ..., option: ...} or an activation object."""
    return make(activations, "linear" if value is None else value)


def activation_option(value: Any) -> Any:
    """The option as it is, if it names or is an activation; wrong ones come out at once."""
    if value is not None:
        make_activation(value)
    return value


def not_negative(name: str, value: float) -> float:
    """A number that must not be below zero; an activation that falls has no slope from y."""
    if not float(value) >= 0:
        raise OptionError(f"{name} must not be negative, not {value!r}")
    return float(value)


def function_forward(x: np.ndarray, y: np.ndarray, *, function: Elementwise) -> None:
    """y = f(x), as a Python kernel."""
    y[...] = function.value(x)


def function_backward(
    dy: np.ndarray, x: np.ndarray, dx: np.ndarray, *, function: Elementwise
) -> None:
    """dx = dy f'(x), as a Python kernel."""
    dx[...] = dy * function.slope(x)


register_kernel(
    Op(
        "function_forward",
        {"x": "B C H W L", "y": "> B C H W L"},
        {"function": None},
        python=function_forward,
    )
)
register_kernel(
    Op(
        "function_backward",
        {"dy": "B C H W L", "x": "B C H W L", "dx": "> B C H W L"},
        {"function": None},
        python=function_backward,
    )
)
