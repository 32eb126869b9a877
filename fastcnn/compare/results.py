"""All that a comparison found, as one JSON document: every report is made from it alone."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from fastcnn.compare.analysis import (
    Results,
    Runs,
    class_rows,
    collect,
    confused_pairs,
    mean_curves,
    row,
    tests,
)
from fastcnn.compare.candidates import Candidate
from fastcnn.compare.options import CompareOptions
from fastcnn.compare.statistics import CONFIDENCE
from fastcnn.compare.subject import Subject
from fastcnn.compare.verdict import verdict

PAIRS, PICTURES = 5, 6  # of the pairs that are confused most, for each model


def compile_results(
    options: CompareOptions,
    found: Sequence[Candidate],
    images: Subject,
    results: Results,
    machine: dict[str, Any],
    folder: Path,
) -> dict[str, Any]:
    titles = [candidate.title for candidate in found]
    classes = images.dataset.classes
    collected = collect(titles, images.splits, results, images.testing.labels)
    rows = [row(runs, len(classes)) for runs in collected]
    tested = tests(collected)
    last = [runs for runs in collected if runs.size == collected[-1].size and runs.done]
    return {
        "verdict": verdict(rows, tested),
        "data": _data(images),
        "design": _design(options, images),
        "machine": machine,
        "models": [{"title": c.title, **c.table} for c in found],
        "rows": rows,
        "tests": tested,
        "classes": [line for runs in last for line in class_rows(runs, classes)],
        "confusion": [_matrix(runs, len(classes)) for runs in last],
        "confused": [
            {"model": runs.model, "pairs": confused_pairs(runs, len(classes), PAIRS, PICTURES)}
            for runs in last
        ],
        "curves": [
            {"model": runs.model, "size": runs.size, **curves}
            for runs in last
            if (curves := mean_curves(runs))
        ],
        "warnings": _warnings(collected),
        "folder": str(folder),
    }


def _matrix(runs: Runs, classes: int) -> dict[str, Any]:
    return {"model": runs.model, "counts": runs.confusion(classes).tolist()}


def _data(images: Subject) -> dict[str, Any]:
    dataset, training = images.dataset, images.training
    return {
        "name": dataset.name,
        "images": len(training),
        "test_images": None if images.testing is training else len(images.testing),
        "image_shape": list(dataset.image_shape),
        "classes": list(dataset.classes),
        "sha256": dataset.fingerprint(),
    }


def _design(options: CompareOptions, images: Subject) -> dict[str, Any]:
    return {
        "kind": "test" if options.fold_count is None else "folds",
        "folds": options.fold_count,
        "sizes": sorted({split.size for split in images.splits}),
        "seeds": [options.seed + k for k in range(options.seeds)],
        "epochs": options.epochs,
        "budget_seconds": options.budget_seconds,
        "confidence": CONFIDENCE,
    }


def _warnings(collected: Sequence[Runs]) -> list[dict[str, str]]:
    """Each text once for each model."""
    said = {(r.model, text): None for r in collected for run in r.done for text in run["warnings"]}
    return [{"model": model, "text": text} for model, text in said]
