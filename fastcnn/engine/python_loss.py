"""Losses written in NumPy: a function of (y_true, y_pred), and its gradient to train with."""

from collections.abc import Callable
from typing import Any

import numpy as np

from fastcnn.engine.builder import Builder
from fastcnn.engine.loss import Loss
from fastcnn.engine.tensor import Tensor
from fastcnn.errors import OptionError, ShapeError
from fastcnn.kernels.spec import Op, register_kernel
from fastcnn.plugins.registry import losses, make


class PythonLoss(Loss):
    """Base of losses in NumPy: subclasses define `function`, and `gradient` to be trained with.

    function(y_true, y_pred): the loss of each sample, (n,)
    gradient(y_true, y_pred): its derivatives by y_pred, (n, K)

    y_pred is (n, K), y_true as well or, with targets = "labels", class numbers (n,): the samples
    of one batch, in the model's dtype.
    """

    function: Callable[[np.ndarray, np.ndarray], np.ndarray]
    gradient: Callable[[np.ndarray, np.ndarray], np.ndarray] | None = None

    def kernel(self, joined: bool) -> tuple[str, dict[str, Any]]:
        return "python_loss", {"loss_function": self}

    def emit(self, build: Builder, *arguments: Any, **options: Any) -> None:
        if build.training and self.gradient is None:
            raise OptionError(
                f"the loss {self.name!r} has no gradient, so nothing can be trained with it: "
                "give one, as in losses.Custom(function, gradient)"
            )
        super().emit(build, *arguments, **options)

    def arguments(self, build: Builder, y: Tensor, targets: Any) -> dict[str, Any]:
        return {**super().arguments(build, y, targets), "order": build.order}

    def check_gradient(
        self, y_true: np.ndarray, y_pred: np.ndarray, tolerance: float = 1e-5
    ) -> None:
        """Compare with central differences in float64; an OptionError says where they differ.

        tolerance: of |difference| / max(1, |gradient|). Stay away from kinks of the function.
        """
        if self.gradient is None:
            raise OptionError(f"the loss {self.name!r} has no gradient to check")
        y_pred = np.array(y_pred, np.float64)
        found = values_of(self.name, "gradient", self.gradient(y_true, y_pred), y_pred.shape)
        expected = self.central_differences(y_true, y_pred)
        wrong = abs(found - expected) > tolerance * np.maximum(1, abs(expected))
        if wrong.any():
            n, k = (int(i) for i in np.argwhere(wrong)[0])
            raise OptionError(
                f"the gradient of the loss {self.name!r} is wrong: [{n}, {k}] is "
                f"{found[n, k]:.7g}, by central differences {expected[n, k]:.7g}"
            )

    def central_differences(
        self, y_true: np.ndarray, y_pred: np.ndarray, h: float = 1e-6
    ) -> np.ndarray:
        """The gradient, from 2 K calls of the function."""
        result = np.empty_like(y_pred, dtype=np.float64)
        for k in range(y_pred.shape[1]):
            step = np.zeros(y_pred.shape[1])
            step[k] = h
            sides = self.function(y_true, y_pred + step), self.function(y_true, y_pred - step)
            result[:, k] = (sides[0] - sides[1]) / (2 * h)
        return result


class Custom(PythonLoss):
    """A loss from plain functions; `compile(loss=function)` makes one without a gradient.

    function: (y_true, y_pred) -> (n,), gradient: (y_true, y_pred) -> (n, K); see PythonLoss.
    Without a gradient it can be evaluated, not trained with. targets: "dense" or "labels".
    No file can hold it: a model is saved without, see load_model. A registered subclass of
    PythonLoss is saved by its name.
    """

    def __init__(
        self,
        function: Callable[[np.ndarray, np.ndarray], np.ndarray],
        gradient: Callable[[np.ndarray, np.ndarray], np.ndarray] | None = None,
        targets: str = "dense",
    ) -> None:
        if not callable(function) or not (gradient is None or callable(gradient)):
            raise OptionError(f"a custom loss takes functions, not {function!r}, {gradient!r}")
        if targets not in ("dense", "labels"):
            raise OptionError(f'targets must be "dense" or "labels", not {targets!r}')
        self.function = function
        self.gradient = gradient
        self.targets = targets

    @property
    def name(self) -> str:
        return getattr(self.function, "__name__", type(self.function).__name__)


class MissingLoss(Loss):
    """Stands for a loss that a model file could only name."""

    def __init__(self, name: str) -> None:
        self._name = name

    @property
    def name(self) -> str:
        return self._name

    @property
    def targets(self) -> str:  # type: ignore[override]
        raise OptionError(
            f"the model was compiled with the loss {self.name!r}, a function, which no file can "
            "hold: give it to load_model(path, loss=...), or compile the model again"
        )


def make_loss(value: Any) -> Any:
    """A loss from a name, {"name": ..., option: ...}, an object or a plain function."""
    made = make(losses, value)
    return Custom(made) if callable(made) and not hasattr(made, "emit") else made


def values_of(name: str, what: str, values: Any, shape: tuple[int, ...]) -> np.ndarray:
    array = np.asarray(values)
    if array.shape != shape:
        raise ShapeError(f"the {what} of the loss {name!r} has shape {array.shape}, not {shape}")
    return array


def python_loss(
    predictions: np.ndarray,
    targets: np.ndarray | None,
    labels: np.ndarray | None,
    order: np.ndarray,
    weight: np.ndarray | None,
    loss: np.ndarray,
    dpredictions: np.ndarray | None,
    *,
    loss_function: PythonLoss,
) -> None:
    """The kernel: rows of the lanes that hold images, out to NumPy and back."""
    there = order >= 0
    y_pred = rows(predictions)[there]
    wanted = labels if targets is None else rows(targets)
    assert wanted is not None
    y_true = wanted[there]
    weights = np.ones(len(y_pred)) if weight is None else weight[there]
    name, gradient = loss_function.name, loss_function.gradient
    values = loss_function.function(y_true, y_pred)
    loss[...] = 0
    loss[there] = weights * values_of(name, "function", values, y_pred.shape[:1])
    if dpredictions is not None and gradient is not None:
        slopes = values_of(name, "gradient", gradient(y_true, y_pred), y_pred.shape)
        dpredictions[...] = 0
        rows(dpredictions)[there] = slopes * (weights / len(weights))[:, None]


def rows(tensor: np.ndarray) -> np.ndarray:
    """(B, K, L) as (B, L, K)"""
    return tensor.transpose(0, 2, 1)


register_kernel(
    Op(
        "python_loss",
        {
            "predictions": "B K L",
            "targets": "? B K L",
            "labels": "? int64 B L",
            "order": "int64 B L",
            "weight": "? B L",
            "loss": "> B L",
            "dpredictions": ">? B K L",
        },
        {"loss_function": None},
        python=python_loss,
    )
)
