"""Test accuracy over the size of the training set."""

from collections.abc import Sequence
from typing import Any

from fastcnn.compare.figures.svg import BOTTOM, HEIGHT, LEFT, RIGHT, TOP, WIDTH, Chart, Scale
from fastcnn.compare.measures import percent


def learning_curves(rows: Sequence[dict[str, Any]], models: Sequence[str]) -> str:
    """A line for each model with its band; nothing for a single size."""
    rows = [row for row in rows if row["test_accuracy"]]
    sizes = sorted({row["size"] for row in rows})
    if len(sizes) < 2:
        return ""
    accuracies = [value for row in rows for value in row["test_accuracy"].values() if value]
    chart = Chart("learning", "Test accuracy by training images", _description(rows, models))
    chart.axes(
        Scale(sizes, LEFT, WIDTH - RIGHT, log=True, exact=sizes),
        Scale(accuracies, HEIGHT - BOTTOM, TOP),
        "training images",
        "test accuracy",
        lambda value: f"{value:,}",
        lambda value: f"{100 * value:g} %",
    )
    for series, model in enumerate(models):
        _model(chart, [row for row in rows if row["model"] == model], series)
    return chart.text()


def _model(chart: Chart, rows: Sequence[dict[str, Any]], series: int) -> None:
    if not rows:
        return
    figures = [(row["size"], row["test_accuracy"]) for row in rows]
    known = [(size, f["low"], f["high"]) for size, f in figures if f["low"] is not None]
    if len(known) > 1:
        chart.band(known, series)
    chart.line([(size, figure["mean"]) for size, figure in figures], series)
    for row, (size, figure) in zip(rows, figures, strict=True):
        note = f"{row['model']}, {size:,} images: {percent(figure['mean'])}"
        chart.marker(size, figure["mean"], series, note)


def _description(rows: Sequence[dict[str, Any]], models: Sequence[str]) -> str:
    parts = []
    for model in models:
        points = [
            f"{percent(r['test_accuracy']['mean'])} with {r['size']:,}"
            for r in rows
            if r["model"] == model
        ]
        parts.append(f"{model}: {', '.join(points) or 'failed'}")
    return "; ".join(parts)
