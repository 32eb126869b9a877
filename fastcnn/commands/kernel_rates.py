"""`fastcnn summary --kernels` and `--plan`: what computes each layer, and how fast; all steps."""

from typing import Any

from fastcnn.commands.versions import maker_in_use
from fastcnn.engine.plan import Plan
from fastcnn.engine.rates import kernel_rates, training_plan
from fastcnn.engine.table import table
from fastcnn.errors import OptionError
from fastcnn.kernels.threads import resolve_threads
from fastcnn.model import Model


def kernels_text(model: Any, batch: int, threads: int | None) -> str:
    """Kernels of a training step by layer and direction, with effective GFLOP/s: the nominal
    operations of direct convolution over the time."""
    threads = resolve_threads(threads)
    rates = kernel_rates(_training_plan(model, batch), threads)
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


def plan_text(model: Any, batch: int) -> str:
    """All steps of a training batch, one by one."""
    return _training_plan(model, batch).describe()


def _training_plan(model: Any, batch: int) -> Plan:
    if not isinstance(model, Model):
        raise OptionError("a baseline has no layers to draw or to time")
    options = {"backend": model.backend, "winograd": model.winograd, "fuse": model.fuse}
    return training_plan(model.graph, model.store, batch, **options)
