"""results.csv: a line for each model and size, for spreadsheets and pandas."""

import csv
import io
from typing import Any

from fastcnn.compare.measures import MEASURES
from fastcnn.text import csv_cell


def csv_text(document: dict[str, Any]) -> str:
    """Columns: model, size, runs, failed, then each measure with its interval; empty: unknown."""
    file = io.StringIO()
    writer = csv.writer(file, lineterminator="\n")
    names = [measure.name for measure in MEASURES]
    columns = [f"{name}{end}" for name in names for end in ("", "_low", "_high")]
    writer.writerow(["model", "size", "runs", "failed", *columns])
    for row in document["rows"]:
        figures = [row[name] or {} for name in names]
        cells = [figure.get(key) for figure in figures for key in ("mean", "low", "high")]
        head = [csv_cell(row["model"]), row["size"], row["runs"], row["failed"]]
        writer.writerow(head + ["" if cell is None else cell for cell in cells])
    return file.getvalue()
