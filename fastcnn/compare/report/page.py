"""report.html: one page that needs nothing but itself, no network and no script."""

from importlib.resources import files
from typing import Any

import numpy as np

from fastcnn.compare.figures.accuracies import accuracies
from fastcnn.compare.figures.learning_curves import learning_curves
from fastcnn.compare.figures.loss_curves import loss_curves
from fastcnn.compare.figures.pareto import pareto
from fastcnn.compare.figures.pictures import picture
from fastcnn.compare.figures.svg import key
from fastcnn.compare.measures import Measure
from fastcnn.compare.report import words

MOST_CLASSES = 20  # of a confusion matrix that a person can read


def page(document: dict[str, Any], test_images: np.ndarray) -> str:
    """test_images: all of them; the document names those that are shown by their numbers."""
    from jinja2 import Environment, StrictUndefined
    from markupsafe import Markup

    folder = files("fastcnn.compare.report") / "templates"
    environment = Environment(
        autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    environment.filters |= {"share": words.share, "test_cells": words.test_cells}
    template = environment.from_string((folder / "page.html").read_text(encoding="utf-8"))
    style = Markup((folder / "page.css").read_text(encoding="utf-8"))
    return template.render(
        style=style, words=words, **_parts(document, test_images), svg=_figures(document)
    )


def _parts(document: dict[str, Any], test_images: np.ndarray) -> dict[str, Any]:
    """What the template shows, section by section."""
    from markupsafe import Markup

    titles = [model["title"] for model in document["models"]]
    readable = len(document["data"]["classes"]) <= MOST_CLASSES
    return {
        "document": document,
        "classes": document["data"]["classes"],
        "measures": words.known_measures(document),
        "largest": document["design"]["sizes"][-1],
        "best": _best(document),
        "legend": [(Markup(key(series)), title) for series, title in enumerate(titles)],
        "shown": [row["model"] for row in document["rows"] if row["runs"]],
        "in_epochs": [curve["model"] for curve in document["curves"]],
        "per_class": _per_class(document),
        "confusion": document["confusion"] if readable else [],
        "confused": _confused(document, test_images),
    }


def _figures(document: dict[str, Any]) -> dict[str, Any]:
    from markupsafe import Markup

    titles = [model["title"] for model in document["models"]]
    last = document["design"]["sizes"][-1]
    rows = [row for row in document["rows"] if row["size"] == last and row["runs"]]
    drawn = {
        "accuracies": accuracies(rows, titles) if rows else "",
        "learning": learning_curves(document["rows"], titles),
        "pareto": pareto(rows, titles) if len(rows) > 1 else "",
        "losses": loss_curves(document["curves"], titles),
    }
    return {name: Markup(text) for name, text in drawn.items()}


def _best(document: dict[str, Any]) -> set[tuple[int, str, str]]:
    """(size, measure, model) with the best mean of its size."""
    found = set()
    for size in document["design"]["sizes"]:
        for measure in words.known_measures(document):
            rows = [r for r in document["rows"] if r["size"] == size and r[measure.name]]
            if len(rows) > 1 and measure.better:
                chosen = min(rows, key=lambda r: _rank(r, measure))
                found.add((size, measure.name, chosen["model"]))
    return found


def _rank(row: dict[str, Any], measure: Measure) -> float:
    return row[measure.name]["mean"] * (-1 if measure.better == "more" else 1)


def _per_class(document: dict[str, Any]) -> list[dict[str, Any]]:
    """For each class the F1, precision and recall of all models."""
    models = list(dict.fromkeys(line["model"] for line in document["classes"]))
    lines = {(line["class"], line["model"]): line for line in document["classes"]}
    return [
        {"name": name, "cells": [lines[name, model] for model in models]}
        for name in document["data"]["classes"]
        if models
    ]


def _confused(document: dict[str, Any], test_images: np.ndarray) -> list[dict[str, Any]]:
    return [
        {
            "model": entry["model"],
            "pairs": [
                {**pair, "pictures": [picture(test_images[k]) for k in pair["images"]]}
                for pair in entry["pairs"]
            ],
        }
        for entry in document["confused"]
        if entry["pairs"]
    ]
