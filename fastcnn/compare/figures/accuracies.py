"""Training and test accuracy of each model, side by side: the gap is the lesson."""

from collections.abc import Sequence
from html import escape
from typing import Any

from fastcnn.compare.figures.svg import BOTTOM, MARKERS, RIGHT, WIDTH, Chart, Scale, color
from fastcnn.compare.measures import percent

ROW, TOP, NAMES = 34, 26, 190


def accuracies(rows: Sequence[dict[str, Any]], order: Sequence[str]) -> str:
    """A line for each model, the best above: test accuracy with its interval, training hollow."""
    rows = sorted(
        (r for r in rows if r["test_accuracy"]), key=lambda r: -r["test_accuracy"]["mean"]
    )
    told = "; ".join(f"{r['model']} {_text(r)}" for r in rows)
    height = TOP + ROW * len(rows) + BOTTOM
    chart = Chart("accuracies", "Training and test accuracy", told, height)
    ends = [value for row in rows for value in _values(row)]
    x = Scale([*ends], NAMES, WIDTH - RIGHT)
    bottom = height - BOTTOM
    for value in x.ticks:
        chart.add(f'<path class="grid" d="M{x(value)} {TOP - 8}V{bottom}"/>')
        chart.label(x(value), bottom + 18, f"{100 * value:g} %", "middle")
    chart.label((NAMES + WIDTH - RIGHT) / 2, height - 8, "accuracy", "middle")
    for place, row in enumerate(rows):
        _row(chart, x, row, TOP + ROW * place + 8, list(order).index(row["model"]))
    return chart.text()


def _row(chart: Chart, x: Scale, row: dict[str, Any], y: int, series: int) -> None:
    test, training = row["test_accuracy"], row["train_accuracy"]
    chart.label(NAMES - 14, y + 4, _short(row["model"]), "end")
    chart.add(f'<path class="gap" d="M{x(test["mean"])} {y}H{x(training["mean"])}"/>')
    if test["low"] is not None:
        path = f"M{x(test['low'])} {y}H{x(test['high'])}"
        chart.add(f'<path class="interval {color(series)}" d="{path}"/>')
    for figure, kind in ((training, "marker hollow"), (test, "marker")):
        place = f'transform="translate({x(figure["mean"])} {y})"'
        shape, note = MARKERS[series % len(MARKERS)], escape(f"{row['model']}: {_text(row)}")
        head = f"<title>{note}</title>"
        chart.add(f'<path class="{kind} {color(series)}" {place} d="{shape}">{head}</path>')


def _short(name: str, longest: int = 26) -> str:
    return name if len(name) <= longest else f"{name[: longest - 1]}…"


def _values(row: dict[str, Any]) -> list[float]:
    test, training = row["test_accuracy"], row["train_accuracy"]
    values = (training["mean"], test["mean"], test["low"], test["high"])
    return [value for value in values if value is not None]


def _text(row: dict[str, Any]) -> str:
    test, training = row["test_accuracy"]["mean"], row["train_accuracy"]["mean"]
    return f"{percent(test)} in the test, {percent(training)} in training"
