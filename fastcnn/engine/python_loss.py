"""Losses written in NumPy: a function of (y_true, y_pred), and its gradient to train with."""

from collections.abc import Callable
from typing import Any

import numpy as np

from fastcnn.engine.builder import Builder
from fastcnn.engine.derived_gradient import Derived
from fastcnn.engine.loss import Loss
from fastcnn.engine.tensor import Tensor
from fastcnn.errors import OptionError, ShapeError
from fastcnn.kernels.spec import Op, register_kernel
from fastcnn.plugins.registry import losses, make


class PythonLoss(Loss):
    """Base of losses in NumPy: subclasses define `function`, and perhaps `gradient`.

    function(y_true, y_pred): the loss of each sample, (n,), or of each of its outputs, (n, K),
        whose mean counts; or one figure for the batch, which is then what is minimised; such a
        loss knows no weights of samples
    gradient(y_true, y_pred): derivatives of the figures of samples, or of the one, by y_pred,
        (n, K)

    y_pred is (n, K), y_true as well or, with targets = "labels", class numbers (n,): the samples
    of one batch, in the model's dtype. Without `gradient` they come in float64, and it is derived:
    by the library autograd, if it is installed and the function is written with autograd.numpy;
    else by central differences, with a warning of what they cost.
    """

    function: Callable[[np.ndarray, np.ndarray], Any]
    gradient: Callable[[np.ndarray, np.ndarray], np.ndarray] | None = None
    fault = ""  # what was wrong with the figures of the last batch

    def kernel(self, joined: bool) -> tuple[str, dict[str, Any]]:
        derived = None if self.gradient else Derived(self.name, self.function, self.figures)
        return "python_loss", {"loss_function": self, "derived": derived}

    def arguments(self, build: Builder, y: Tensor, targets: Any) -> dict[str, Any]:
        return {**super().arguments(build, y, targets), "order": build.order}

    def figures(self, values: Any, shape: tuple[int, ...]) -> np.ndarray:
        """What `function` gave for outputs of this shape (n, K), as (n,), means of (n, K), or ();
        or an error that says what is wrong with it."""
        array = numbers_of(self.name, "function", values)
        if array.shape not in (shape, shape[:1], ()):
            samples = shape[0]
            raise ShapeError(
                f"the function of the loss {self.name!r} gives {array.shape} for {samples} samples,"
                f" not ({samples},), a figure for each, {shape}, or one for all of them"
            )
        return array.mean(axis=1) if array.ndim > 1 else array

    def slopes(self, values: Any, shape: tuple[int, ...]) -> np.ndarray:
        """What `gradient` gave, of this shape."""
        array = numbers_of(self.name, "gradient", values)
        if array.shape != shape:
            raise ShapeError(
                f"the gradient of the loss {self.name!r} has shape {array.shape}, not {shape}"
            )
        return array

    def check_gradient(
        self, y_true: np.ndarray, y_pred: np.ndarray, tolerance: float = 1e-5
    ) -> None:
        """Compare with central differences in float64; an OptionError says where they differ.

        tolerance: of |difference| / max(1, |gradient|). Stay away from kinks of the function.
        """
        if self.gradient is None:
            raise OptionError(f"the loss {self.name!r} has no gradient to check")
        y_pred = np.array(y_pred, np.float64)
        found = self.slopes(self.gradient(y_true, y_pred), y_pred.shape)
        expected = self._differences(y_true, y_pred)
        wrong = abs(found - expected) > tolerance * np.maximum(1, abs(expected))
        if wrong.any():
            n, k = (int(i) for i in np.argwhere(wrong)[0])
            raise OptionError(
                f"the gradient of the loss {self.name!r} is wrong: [{n}, {k}] is "
                f"{found[n, k]:.7g}, by central differences {expected[n, k]:.7g}"
            )

    def _differences(self, y_true: np.ndarray, y_pred: np.ndarray) -> np.ndarray:
        """Of the figure of each sample, or of the one figure."""
        derived = Derived(self.name, self.function, self.figures)
        weights = np.ones(len(y_pred))
        if self.figures(self.function(y_true, y_pred), y_pred.shape).ndim == 0:
            return derived.one_by_one(y_true, y_pred, weights)[1]
        return derived.by_sample(y_true, y_pred, weights)[1] * len(y_pred)


class Custom(PythonLoss):
    """A loss from plain functions; `compile(loss=function)` makes one without a gradient.

    function: (y_true, y_pred) -> (n,) or one figure, gradient: (y_true, y_pred) -> (n, K); see
        PythonLoss, also for how a gradient is derived. targets: "dense" or "labels".
    No file can hold it: a model is saved without, and `save` says so once; see load_model. A
    registered subclass of PythonLoss is saved by its name.
    """

    left_out = False  # of a file, and that was said

    def __init__(
        self,
        function: Callable[[np.ndarray, np.ndarray], Any],
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
    if callable(value) and not hasattr(value, "emit"):
        return Custom(value)
    return make(losses, value)


def numbers_of(name: str, what: str, values: Any) -> np.ndarray:
    try:
        array = np.asarray(values)
    except Exception:  # of whatever an object says when it is asked for an array
        array = np.empty((), object)
    if array.dtype.kind not in "fiub":
        kind = type(values).__name__
        raise OptionError(f"the {what} of the loss {name!r} gives no array of numbers, but {kind}")
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
    derived: Derived | None,
) -> None:
    """The kernel: rows of the lanes that hold images, out to NumPy and back."""
    there = order >= 0
    y_pred = rows(predictions)[there]
    wanted = labels if targets is None else rows(targets)
    assert wanted is not None
    y_true = wanted[there]
    weights = np.ones(len(y_pred)) if weight is None else weight[there].astype(np.float64)
    training = dpredictions is not None
    figures, slopes = measured(loss_function, derived, training, y_true, y_pred, weights)
    if figures.ndim == 0 and weight is not None:
        raise OptionError(
            f"the loss {loss_function.name!r} gives one figure for a batch, so that weights of "
            "samples have no meaning: it must give one for each, (n,)"
        )
    loss_function.fault = _fault(loss_function.name, y_true, y_pred, figures)
    if loss_function.fault and not training:
        raise OptionError(loss_function.fault)
    loss[...] = 0
    loss[there] = weights * figures
    if dpredictions is not None and slopes is not None:
        if not loss_function.fault:
            _check_slopes(loss_function.name, y_true, y_pred, slopes)
        dpredictions[...] = 0
        rows(dpredictions)[there] = slopes


def measured(
    loss: PythonLoss,
    derived: Derived | None,
    training: bool,
    y_true: np.ndarray,
    y_pred: np.ndarray,
    weights: np.ndarray,
) -> tuple[np.ndarray, np.ndarray | None]:
    """(figures, gradient of their weighted mean, in training)"""
    if training and derived is not None:
        return derived(y_true, y_pred, weights)
    figures = loss.figures(loss.function(y_true, y_pred), y_pred.shape)
    if not training or loss.gradient is None:
        return figures, None
    slopes = loss.slopes(loss.gradient(y_true, y_pred), y_pred.shape)
    if figures.ndim == 0:
        return figures, slopes
    return figures, slopes * (weights / len(weights))[:, None]


def _check_slopes(name: str, y_true: np.ndarray, y_pred: np.ndarray, slopes: np.ndarray) -> None:
    wrong = ~np.isfinite(slopes).all(axis=1) & np.isfinite(y_pred).all(axis=1)
    if wrong.any():
        row = int(wrong.argmax())
        raise OptionError(
            f"the gradient of the loss {name!r} is no finite number for the targets "
            f"{_span(y_true[row])} and the outputs {_span(y_pred[row])}"
        )


def _fault(name: str, y_true: np.ndarray, y_pred: np.ndarray, figures: np.ndarray) -> str:
    """What is wrong with figures of outputs that are numbers."""
    if np.isfinite(figures).all() or not np.isfinite(y_pred).all():
        return ""
    if figures.ndim == 0:
        return f"the loss {name!r} is {figures} for outputs {_span(y_pred)}"
    row = int((~np.isfinite(figures)).argmax())
    return (
        f"the loss {name!r} is {figures[row]} for the targets {_span(y_true[row])} and the outputs "
        f"{_span(y_pred[row])}"
    )


def _span(values: np.ndarray) -> str:
    low, high = float(np.min(values)), float(np.max(values))
    return f"{low:g}" if low == high else f"between {low:g} and {high:g}"


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
        {"loss_function": None, "derived": None},
        python=python_loss,
    )
)
