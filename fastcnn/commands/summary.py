"""`fastcnn summary` and `fastcnn models`: shapes and sizes of models."""

from collections.abc import Callable
from pathlib import Path

from fastcnn.commands.find_model import find_model
from fastcnn.commands.model_argument import model_argument
from fastcnn.commands.text import table
from fastcnn.commands.versions import maker_in_use
from fastcnn.engine.rates import kernel_rates
from fastcnn.errors import OptionError
from fastcnn.kernels.threads import resolve_threads
from fastcnn.model import Model
from fastcnn.models import build, outline
from fastcnn.plugins.registry import models

Size = tuple[int, int, int]


def summary(
    what: str,
    input_shape: Size | None = None,
    classes: int | None = None,
    plot: str | None = None,
    kernels: bool = False,
    batch_size: int = 128,
    threads: int | None = None,
) -> str:
    """The table of a model file, run folder, built-in model or TOML file; plot: also a picture;
    kernels: also those that compute each layer, timed here and now."""
    model = _model(what, input_shape, classes, build if kernels else outline)
    if plot is not None:
        model.plot(plot)
    if not kernels:
        return model.summary()
    return f"{model.summary()}\n\n{kernels_text(model, batch_size, resolve_threads(threads))}"


def kernels_text(model: Model, batch: int, threads: int) -> str:
    """Kernels of a training step by layer and direction, with effective GFLOP/s: the nominal
    operations of direct convolution over the time."""
    made = (model.graph, model.store, batch, threads)
    rates = kernel_rates(*made, backend=model.backend, winograd=model.winograd)
    rows = [("layer", "direction", "kernels", "ms", "GFLOP/s")]
    rows += [
        (
            rate.layer,
            rate.direction,
            " + ".join(rate.kernels),
            f"{1e3 * rate.seconds:.3f}",
            f"{rate.flops / rate.seconds / 1e9:.0f}",
        )
        for rate in rates
    ]
    shape = f"batch of {batch}, {threads} threads, {maker_in_use(model.backend)}"
    return f"Kernels of a training step, {shape}\n{table(rows, right=(3, 4))}"


def _model(
    what: str, input_shape: Size | None, classes: int | None, make: Callable[..., Model]
) -> Model:
    is_file = Path(what).exists() or Path(what).suffix == ".safetensors"
    if is_file and Path(what).suffix.lower() != ".toml":
        if input_shape or classes:
            raise OptionError(f"{what} has its input shape and classes already")
        return find_model(what)
    return make(model_argument(what), input_shape, classes)


def model_list() -> list[tuple[str, int, str, str]]:
    """(name, parameters, usual input, first line of its docstring) of every registered model."""
    rows = []
    for name in models.names():
        model = outline(name)
        shape = "x".join(map(str, model.inputs[0].shape[1:]))
        text = (models.get(name).__doc__ or "").strip().partition("\n")[0]
        rows.append((name, model.count_params(), shape, text))
    return rows
