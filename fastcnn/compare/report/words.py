"""The parts of a report that are text: titles, how it was measured, cells of tables."""

from typing import Any

from fastcnn.compare.measures import BY_NAME, Measure, p_text, percent
from fastcnn.training.duration import duration_text

NONE = "-"


def title(document: dict[str, Any]) -> str:
    count, data = len(document["models"]), document["data"]["name"]
    return f"{count} model{'s' * (count != 1)} on {data}"


def data_line(document: dict[str, Any]) -> str:
    data = document["data"]
    size = "x".join(map(str, data["image_shape"]))
    tested = f", {data['test_images']:,} test images" if data["test_images"] else ""
    classes = len(data["classes"])
    return f"{data['images']:,} images {size}{tested}, {classes} classes"


def design_lines(document: dict[str, Any]) -> list[str]:
    """How it was measured, and what its numbers mean."""
    design, machine = document["design"], document["machine"]
    seeds = len(design["seeds"])
    lines = [_splits(design, seeds), _intervals(design, seeds)]
    if design["epochs"]:
        lines.append(f"CNNs were trained for {design['epochs']} epochs.")
    if design["budget_seconds"]:
        lines.append(
            f"A fit had at most {duration_text(design['budget_seconds'])}: CNNs then stop where "
            "they are, other models fail. A CNN that was stopped depends on the clock: another run "
            "gives other figures."
        )
    lines.append(_machine(machine))
    return lines


def _splits(design: dict[str, Any], seeds: int) -> str:
    repeated = f", {seeds} times with other folds and other random weights" if seeds > 1 else ""
    if design["kind"] == "folds":
        return (
            f"Cross-validation with {design['folds']} folds{repeated}. Every model saw identical "
            "splits; larger training sets contain the smaller ones of their fold."
        )
    repeated = f", {seeds} times with other random weights" if seeds > 1 else ""
    return (
        f"Trained on training images and measured on one test set{repeated}. Every model saw "
        "identical images; larger training sets contain the smaller ones."
    )


def _intervals(design: dict[str, Any], seeds: int) -> str:
    if design["kind"] == "folds":
        return (
            "Intervals (95 %) and tests use the variance of Nadeau and Bengio (2003), which allows "
            "for training sets that overlap; p values are adjusted by Holm (1979) over all pairs "
            "of one size."
        )
    kind = "a bootstrap over seeds and images" if seeds > 1 else "Wilson's"
    return (
        f"Intervals (95 %) of accuracies are {kind}; pairs are tested by McNemar's exact test, p "
        "values adjusted by Holm (1979) over all pairs of one size."
    )


def _machine(machine: dict[str, Any]) -> str:
    processes, threads = machine["processes"], machine["threads"]
    at_once = "one fit at a time" if processes == 1 else f"{processes} fits at a time"
    load = "" if machine["load"] is None else f", load {machine['load']} at the start"
    used = ", ".join(f"{name} {number}" for name, number in machine["versions"].items())
    return (
        f"{machine['processor']}, {machine['cores']} cores{load}; {at_once} with {threads} "
        f"thread{'s' * (threads > 1)} each; {used}."
    )


def cell(row: dict[str, Any], measure: Measure | str) -> str:
    measure = BY_NAME[measure] if isinstance(measure, str) else measure
    figure = row[measure.name]
    return NONE if figure is None else measure.text(figure["mean"])


def interval(row: dict[str, Any], measure: Measure | str) -> str:
    """ "51.2 to 54.0 %", or nothing."""
    measure = BY_NAME[measure] if isinstance(measure, str) else measure
    figure = row[measure.name]
    if figure is None or figure["low"] is None:
        return ""
    low, high = measure.text(figure["low"]), measure.text(figure["high"])
    return f"{low.removesuffix(' %') if high.endswith(' %') else low} to {high}"


def known_measures(document: dict[str, Any]) -> list[Measure]:
    """Those that at least one model has."""
    return [m for m in BY_NAME.values() if any(row[m.name] for row in document["rows"])]


def test_cells(test: dict[str, Any]) -> tuple[str, str, str, str, str]:
    """Pair, difference, interval, p and adjusted p."""
    points = f"{100 * test['difference']:+.1f} points"
    between = f"{100 * test['low']:+.1f} to {100 * test['high']:+.1f}"
    p, adjusted = (p_text(test[name]).removeprefix("p = ") for name in ("p", "p_adjusted"))
    pair = f"{test['first']} - {test['second']}"
    return pair, points, between, p.removeprefix("p "), adjusted.removeprefix("p ")


def runs_text(row: dict[str, Any]) -> str:
    return f"{row['runs']}" + (f" ({row['failed']} failed)" if row["failed"] else "")


def share(value: float | None) -> str:
    return NONE if value is None else percent(value)
