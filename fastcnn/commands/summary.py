"""`fastcnn summary` and `fastcnn models`: shapes and sizes of models."""

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from fastcnn.commands.find_model import find_model
from fastcnn.commands.kernel_rates import kernels_text, plan_text
from fastcnn.commands.model_argument import baseline_argument, model_argument
from fastcnn.errors import OptionError
from fastcnn.model import Model
from fastcnn.models import build, outline
from fastcnn.plugins.registry import baselines, make, models

if TYPE_CHECKING:
    from fastcnn.commands.find_model import Found

Size = tuple[int, int, int]


def summary(
    what: str,
    input_shape: Size | None = None,
    classes: int | None = None,
    plot: str | None = None,
    kernels: bool = False,
    plan: bool = False,
    batch_size: int = 128,
    threads: int | None = None,
    precision: str | None = None,
) -> str:
    """The table of a model file, run folder, built-in model or TOML file; plot: also a picture;
    kernels: also those that compute each layer, timed here and now; plan: also every step of a
    training batch and of a prediction.

    Of baselines, what they consist of and what was chosen.
    """
    baseline = None if _is_file(what) else baseline_argument(what)
    if baseline is not None:
        return baseline_summary(baseline, plot, kernels or plan)
    model = _model(what, input_shape, classes, build if kernels or plan else outline)
    if plot is not None:
        model.plot(plot)
    parts = [model.summary()]
    if kernels:
        parts.append(kernels_text(model, batch_size, threads, precision))
    if plan:
        parts.append(plan_text(model, batch_size, precision))
    return "\n\n".join(parts)


def _is_file(what: str) -> bool:
    path = Path(what)
    return (path.exists() or path.suffix == ".safetensors") and path.suffix.lower() != ".toml"


def _model(
    what: str, input_shape: Size | None, classes: int | None, made: Callable[..., Model]
) -> "Found":
    if _is_file(what):
        if input_shape or classes:
            raise OptionError(f"{what} has its input shape and classes already")
        return find_model(what)
    return made(model_argument(what), input_shape, classes)


def model_list() -> list[tuple[str, int, str, str]]:
    """(name, parameters, usual input, first line of its docstring) of every registered model."""
    rows = []
    for name in models.names():
        model = outline(name)
        shape = "x".join(map(str, model.inputs[0].shape[1:]))
        text = (models.get(name).__doc__ or "").strip().partition("\n")[0]
        rows.append((name, model.count_params(), shape, text))
    return rows


def baseline_summary(table: dict[str, Any], plot: str | None = None, kernels: bool = False) -> str:
    """Of a baseline that is not fitted."""
    from fastcnn.commands.baseline_model import baseline_text

    if plot is not None or kernels:
        raise OptionError("a baseline has no layers to draw or to time")
    return baseline_text(make(baselines, table))


def baseline_list() -> list[tuple[str, str, str]]:
    """(name, how users may write it, first line of its docstring) of every baseline."""
    rows = []
    for name in baselines.names():
        text = (baselines.get(name).__doc__ or "").strip().partition("\n")[0]
        also = ", ".join(alias for alias, real in baselines.aliases.items() if real == name)
        rows.append((name, also, text))
    return rows
