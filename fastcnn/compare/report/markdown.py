"""report.md: the tables and the verdict, for issues, notes and version control."""

from collections.abc import Iterable, Sequence
from typing import Any

from fastcnn.compare.report import words


def markdown(document: dict[str, Any]) -> str:
    parts = [
        f"# {words.title(document)}",
        words.data_line(document),
        "## Verdict",
        "\n".join(f"- {_escaped(sentence)}" for sentence in document["verdict"]),
        "## Figures",
        _figures(document),
        *_tests(document),
        "## How it was measured",
        "\n".join(f"- {_escaped(line)}" for line in words.design_lines(document)),
    ]
    return "\n\n".join(parts) + "\n"


def _figures(document: dict[str, Any]) -> str:
    measures = words.known_measures(document)
    head = ["model", "images", "runs", "test accuracy", "95 %", *(m.title for m in measures[1:])]
    rows = [
        [
            row["model"],
            f"{row['size']:,}",
            words.runs_text(row),
            words.cell(row, "test_accuracy"),
            words.interval(row, "test_accuracy"),
            *(words.cell(row, measure) for measure in measures[1:]),
        ]
        for row in document["rows"]
    ]
    return _table(head, rows)


def _tests(document: dict[str, Any]) -> Iterable[str]:
    if not document["tests"]:
        return
    head = ["images", "pair", "difference", "95 %", "p", "p (Holm)"]
    rows = [[f"{test['size']:,}", *words.test_cells(test)] for test in document["tests"]]
    yield "## Tests of test accuracy"
    yield _table(head, rows)


def _table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = [head, ["---"] * 1 + ["---:"] * (len(head) - 1), *rows]
    return "\n".join("| " + " | ".join(map(_escaped, line)) + " |" for line in lines)


def _escaped(text: str) -> str:
    return text.replace("|", "\\|").replace("<", "&lt;")
