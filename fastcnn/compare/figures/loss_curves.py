"""Training loss by epoch, of models that train in epochs."""

from collections.abc import Sequence
from typing import Any

from fastcnn.compare.figures.svg import BOTTOM, HEIGHT, LEFT, RIGHT, TOP, WIDTH, Chart, Scale
from fastcnn.compare.measures import number


def loss_curves(curves: Sequence[dict[str, Any]], models: Sequence[str]) -> str:
    """A line for each model, the mean over its runs; nothing if no model has epochs."""
    curves = [curve for curve in curves if len(curve.get("loss", [])) > 1]
    if not curves:
        return ""
    told = "; ".join(f"{c['model']} from {number(c['loss'][0])} to {_last(c)}" for c in curves)
    chart = Chart("losses", "Training loss by epoch", told)
    longest = max(len(curve["loss"]) for curve in curves)
    chart.axes(
        Scale([1, longest], LEFT, WIDTH - RIGHT),
        Scale([0.0, *(v for c in curves for v in c["loss"])], HEIGHT - BOTTOM, TOP),
        "epoch",
        "training loss",
        lambda value: f"{value:g}",
        lambda value: f"{value:g}",
    )
    for curve in curves:
        series = list(models).index(curve["model"])
        chart.line(list(enumerate(curve["loss"], 1)), series)
        note = f"{curve['model']}: {_last(curve)} after {len(curve['loss'])} epochs"
        chart.marker(len(curve["loss"]), curve["loss"][-1], series, note)
    return chart.text()


def _last(curve: dict[str, Any]) -> str:
    return number(curve["loss"][-1])
