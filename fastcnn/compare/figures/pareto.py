"""Accuracy against the time to train: who gives most for the time, and who is never worth it."""

from collections.abc import Sequence
from typing import Any

from fastcnn.compare.figures.svg import BOTTOM, HEIGHT, LEFT, RIGHT, TOP, WIDTH, Chart, Scale
from fastcnn.compare.measures import percent, seconds_text

Row = dict[str, Any]


def front(rows: Sequence[Row]) -> list[Row]:
    """Those that no other beats in both time and accuracy, by time."""
    best, found = -1.0, []
    for row in sorted(rows, key=lambda r: (_seconds(r), -_accuracy(r))):
        if _accuracy(row) > best:
            best = _accuracy(row)
            found.append(row)
    return found


def pareto(rows: Sequence[Row], models: Sequence[str]) -> str:
    """A marker for each model at the largest size, a stair along the front."""
    rows = [row for row in rows if row["test_accuracy"]]
    ahead = front(rows)
    names = ", ".join(f"{r['model']} ({seconds_text(_seconds(r))})" for r in ahead)
    told = f"Not beaten in both time and accuracy: {names}"
    chart = Chart("pareto", "Test accuracy by time to train", told)
    ends = [v for row in rows for v in row["test_accuracy"].values() if v is not None]
    chart.axes(
        Scale([_seconds(row) for row in rows], LEFT, WIDTH - RIGHT, log=True),
        Scale(ends, HEIGHT - BOTTOM, TOP),
        "time to train",
        "test accuracy",
        lambda value: seconds_text(value).replace(".0 ", " "),
        lambda value: f"{100 * value:g} %",
    )
    _stair(chart, ahead)
    for row in rows:
        series, figure = list(models).index(row["model"]), row["test_accuracy"]
        if figure["low"] is not None:
            chart.bar(_seconds(row), figure["low"], figure["high"], series)
        note = f"{row['model']}: {percent(figure['mean'])}, {seconds_text(_seconds(row))}"
        chart.marker(_seconds(row), figure["mean"], series, note)
    return chart.text()


def _stair(chart: Chart, ahead: Sequence[Row]) -> None:
    places = [(chart.x(_seconds(row)), chart.y(_accuracy(row))) for row in ahead]
    path = f"M{places[0][0]} {places[0][1]}" + "".join(f"H{x}V{y}" for x, y in places[1:])
    chart.add(f'<path class="front" d="{path}H{WIDTH - RIGHT}"/>')


def _seconds(row: Row) -> float:
    return row["fit_seconds"]["mean"]


def _accuracy(row: Row) -> float:
    return row["test_accuracy"]["mean"]
