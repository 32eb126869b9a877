"""`fastcnn summary --kernels`: what computes each layer, and how fast."""

from typing import Any

from fastcnn.commands.text import table
from fastcnn.commands.versions import maker_in_use
from fastcnn.engine.rates import kernel_rates
from fastcnn.errors import OptionError
from fastcnn.kernels.backends import resolve_precision
from fastcnn.kernels.threads import resolve_threads
from fastcnn.model import Model


def kernels_text(model: Any, batch: int, threads: int | None, precision: str | None = None) -> str:
    """Kernels of a training step by layer and direction, with effective GFLOP/s: the nominal
    operations of direct convolution over the time. precision: default the model's."""
    if not isinstance(model, Model):
        raise OptionError("a baseline has no layers to draw or to time")
    threads = resolve_threads(threads)
    made = (model.graph, model.store, batch, threads)
    precision = resolve_precision(precision or model.precision, model.backend)
    rates = kernel_rates(*made, backend=model.backend, winograd=model.winograd, precision=precision)
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
    shape = f"batch of {batch}, {threads} threads, {maker_in_use(model.backend)}, {precision}"
    return f"Kernels of a training step, {shape}\n{table(rows, right=(3, 4))}"
