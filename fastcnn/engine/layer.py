"""What a layer is: shapes, parameters, and which kernels it runs forward and backward."""

import inspect
from abc import ABC, abstractmethod
from copy import deepcopy
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from fastcnn.engine.expected import Values
from fastcnn.errors import OptionError, told

if TYPE_CHECKING:
    from fastcnn.engine.builder import Builder
    from fastcnn.engine.parameters import Variable
    from fastcnn.engine.preprocessing import Preprocessing
    from fastcnn.engine.settings import Settings
    from fastcnn.engine.stage import Stage
    from fastcnn.engine.symbolic import Call, SymbolicTensor

# Of one sample: (channels, height, width), (channels, length) or (features,).
Shape = tuple[int, ...]
# Attributes that models give to layers.
IN_MODELS = (
    *("variables", "calls", "first_calls", "activation_layer", "preprocessing", "settings"),
    *("tensor_format", "columns"),
)


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

    A layer has one set of parameters (`variables`), which the first model made of it fills; all
    models that hold the layer share them. Its activations lie in the buffers of a compiled plan.
    `forward` and `backward` are called once for each use of the layer, when a plan is compiled, and
    append kernels to it.
    """

    registered_name: str = ""
    activation: Any = None  # that follows the layer: name, {"name": ...} or object
    activation_layer: "Layer | None" = None  # that applies it; one for all uses of the layer
    activity_regularizer: Any = None  # a penalty on its output, if it takes one
    name: str | None = None  # given by the first model if the user gives none
    trainable = True  # False keeps its parameters as they are, from the next compile on
    merges = False  # whether it takes a list of tensors
    variables: "dict[str, Variable] | None" = None  # by parameter; None: in no model yet
    calls: "tuple[Call, ...]" = ()  # on symbolic tensors
    first_calls: "tuple[Call, ...]" = ()  # those in the first model that held it
    # Of each model's input that it reads, once trained; see engine/reader.py.
    preprocessing: "tuple[Preprocessing | None, ...]" = ()
    scales_pixels = False  # by itself: where it reads an input, pixels come by value
    settings: "Settings | None" = None  # of the first model that held it
    tensor_format = "channels_first"  # of the tensors it was called on, if `formatted`
    formatted = False  # whether its options follow the data format
    columns: Shape | None = None  # the image whose flattened numbers its kernel's columns are
    takes_columns = False  # whether it has such a kernel
    any_order = False  # of features: it does the same to all numbers
    is_hidden = False  # put in by the graph
    is_activation = False  # has a `function` (engine/activation.py), which may be fused
    output_values: Values | None = None  # the numbers that it gives, if known; for `fit`'s checks
    keeps_values = False  # gives only numbers that it reads, moved or picked, or their means
    keeps_scale = False  # or these beside zeros, or disturbed in training
    is_sum = False  # adds its inputs up
    fuses_activation = False  # its kernels can apply the activation that follows
    fuses_sum = False  # and add another tensor before that
    finds_slope = False  # its backward pass finds the slope of the activation itself
    folds_norm = False  # its weights can take in a batch norm that follows
    wide = False  # its kernels are fast on blocks of 16 lanes only

    @abstractmethod
    def output_shape(self, *shapes: Shape) -> Shape:
        """Shape of the output of one sample, or a ShapeError that says what does not fit."""

    def parameters(self, *shapes: Shape) -> dict[str, Parameter]:
        """Parameters by name, for inputs of these shapes."""
        return {}

    def flattened(self, shape: Shape) -> Shape | None:
        """The image whose numbers it gives as a vector in the order of memory, channels slowest."""
        return None

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

    def __call__(self, given: "SymbolicTensor | list[SymbolicTensor]") -> "SymbolicTensor":
        """The layer's output on a tensor that begins at `Input` (a list of them, if it merges)."""
        from fastcnn.engine.symbolic import call_layer

        return call_layer(self, given)

    @property
    def input(self) -> Any:
        """The symbolic tensor that the layer was called on; a list if it merges. As `output`."""
        read = self._own_call().inputs
        return read if self.merges else read[0]

    @property
    def output(self) -> "SymbolicTensor":
        """The symbolic tensor that its call gave, e.g. to make a model of the layers before it.

        That of the first model, if several ones hold the layer; an error if one uses it twice.
        """
        return self._own_call().outputs[0]

    def __deepcopy__(self, memo: dict[int, Any]) -> "Layer":
        """A layer of the same options that is in no model: it shares no parameters with this one.

        So an estimator that is cloned, e.g. for cross-validation, begins anew.
        """
        made = memo[id(self)] = type(self).__new__(type(self))
        own = {k: v for k, v in vars(self).items() if k not in IN_MODELS}
        vars(made).update(deepcopy(own, memo))
        return made

    def _own_call(self) -> "Call":
        calls = self.first_calls or self.calls
        if len(calls) != 1:
            raise OptionError(
                f"layer {self.name!r} was called {len(calls)} times, so that its input and "
                "output are not one tensor: keep the tensors that the calls give"
            )
        return calls[0]

    def __repr__(self) -> str:
        parameters = inspect.signature(type(self)).parameters.values()
        changed = [
            f"{p.name}={told(getattr(self, p.name))}"
            for p in parameters
            if p.name != "name" and told(getattr(self, p.name, p.default)) != told(p.default)
        ]
        return f"{type(self).__name__}({', '.join(changed)})"
