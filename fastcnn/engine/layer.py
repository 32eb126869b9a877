"""What a layer is: shapes, parameters, and which kernels it runs forward and backward."""

import inspect
from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from fastcnn.engine.builder import Builder
    from fastcnn.engine.stage import Stage

Shape = tuple[int, ...]  # of one sample: (channels, height, width) or (features,)


@dataclass(frozen=True)
class Parameter:
    """An array that a layer learns (trainable) or keeps (moving averages)."""

    shape: tuple[int, ...]
    initializer: Any  # name, {"name": ...} or initializer object
    fan_in: int = 1
    fan_out: int = 1
    l1: float = 0.0  # penalties of the loss: l1 |p| + l2 p^2
    l2: float = 0.0
    decay: bool = False  # whether the optimizer's weight decay applies
    regularizer: Any = None  # a Regularizer with a kernel of its own
    constraint: Any = None  # a Constraint, applied after every update
    unit_axis: int | None = None  # whose places are units; None: the whole array is one unit
    trainable: bool = True


class Layer(ABC):
    """Base of all layers. Subclasses only store their options in `__init__` and register a name.

    A layer does not hold arrays: its parameters live in the model's parameter store, its
    activations in the buffers of a compiled plan. `forward` and `backward` are called once, when
    the plan is compiled, and append kernels to it.
    """

    registered_name: str = ""
    activation: Any = None  # that follows the layer: name, {"name": ...} or object
    activity_regularizer: Any = None  # a penalty on its output, if it takes one
    name: str | None = None
    is_activation = False  # has a `function` (engine/activation.py), which may be fused
    fuses_activation = False  # its kernels can apply the activation that follows
    wide = False  # its kernels are fast on blocks of 16 lanes only

    @abstractmethod
    def output_shape(self, *shapes: Shape) -> Shape:
        """Shape of the output of one sample, or a ShapeError that says what does not fit."""

    def parameters(self, *shapes: Shape) -> dict[str, Parameter]:
        """Parameters by name, for inputs of these shapes."""
        return {}

    def multiply_adds(self, *shapes: Shape) -> int:
        """Multiply-adds of one sample's forward pass."""
        return 0

    def fuses_pool(self, pool: "Layer", lanes: int) -> bool:
        """Whether its kernels can apply the pooling layer that follows."""
        return False

    @abstractmethod
    def forward(self, build: "Builder", stage: "Stage") -> None:
        """Append the kernels that write stage.y from stage.x."""

    @abstractmethod
    def backward(self, build: "Builder", stage: "Stage") -> None:
        """Append the kernels that write the gradients of stage.x and of the parameters."""

    def __repr__(self) -> str:
        parameters = inspect.signature(type(self)).parameters.values()
        changed = [
            f"{p.name}={getattr(self, p.name)!r}"
            for p in parameters
            if getattr(self, p.name, p.default) != p.default
        ]
        return f"{type(self).__name__}({', '.join(changed)})"
