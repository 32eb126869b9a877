"""`fastcnn summary --kernels` and `--plan`: what computes each layer, and how fast; all steps."""

from typing import Any

from fastcnn.commands.versions import maker_in_use
from fastcnn.engine.plan import Plan
from fastcnn.engine.rates import kernel_rates, prediction_plan, training_plan
from fastcnn.engine.table import table
from fastcnn.errors import OptionError
from fastcnn.kernels.backends import resolve_precision
from fastcnn.kernels.threads import resolve_threads
from fastcnn.model import Model


def kernels_text(model: Any, batch: int, threads: int | None, precision: str | None = None) -> str:
    """Kernels of a training step by layer and direction, with effective GFLOP/s: the nominal
    operations of direct convolution over the time. precision: default the model's."""
    threads = resolve_threads(threads)
    plan = _training_plan(model, batch, precision)
    rates = kernel_rates(plan, threads)
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
    shape = f"batch of {batch}, {threads} threads, {maker_in_use(model.backend)}, {plan.precision}"
    return f"Kernels of a training step, {shape}\n{table(rows, right=(3, 4))}"


def plan_text(model: Any, batch: int, precision: str | None = None) -> str:
    """All steps of a training batch, one by one, and of a batch that is predicted."""
    training = _training_plan(model, batch, precision)
    options = _options(model, precision)
    predicting = prediction_plan(model.graph, model.store, batch, **options)
    return f"{training.describe()}\n\n{predicting.describe()}"


def _training_plan(model: Any, batch: int, precision: str | None) -> Plan:
    if not isinstance(model, Model):
        raise OptionError("a baseline has no layers to draw or to time")
    return training_plan(model.graph, model.store, batch, **_options(model, precision))


def _options(model: Model, precision: str | None) -> dict[str, Any]:
    options = {"backend": model.backend, "winograd": model.winograd, "fuse": model.fuse}
    options["precision"] = resolve_precision(precision or model.precision, model.backend)
    return options
