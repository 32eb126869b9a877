"""What `compile` is told about losses and metrics, as lists in the order of a model's outputs."""

import math
from collections.abc import Sequence
from typing import Any

from fastcnn.data.samples import in_order
from fastcnn.engine.metric import make_metrics
from fastcnn.engine.python_loss import make_loss
from fastcnn.errors import OptionError, unknown


def losses_of(loss: Any, weights: Any, names: Sequence[str]) -> tuple[list[Any], list[float]]:
    """(losses, weights): one loss for all outputs, a list or {output: loss}; weights likewise."""
    one = isinstance(loss, str) or not isinstance(loss, dict | list | tuple)
    if one or (isinstance(loss, dict) and "name" in loss):
        loss = [loss] * len(names)
    if weights is None:
        weights = [1.0] * len(names)
    weights = [float(w) for w in in_order(weights, names, "loss_weights")]
    if not all(0 <= w < math.inf for w in weights):
        raise OptionError(f"loss_weights must not be negative, not {weights}")
    return [make_loss(one) for one in in_order(loss, names, "loss")], weights


def metrics_of(metrics: Any, names: Sequence[str]) -> list[dict[str, Any]]:
    """{name: metric} for each output, from a list for all of them or {output: list}."""
    by_output = isinstance(metrics, dict) and "name" not in metrics
    for name in metrics if by_output else ():
        if name not in names:
            raise unknown("output in metrics", name, names)
    return [make_metrics(metrics.get(name, ()) if by_output else metrics) for name in names]
