"""The table that `fastcnn compare` prints."""

import io
import shutil
import sys
from typing import Any

from fastcnn.compare.report import words

COLUMNS = ("train_accuracy", "fit_seconds", "image_seconds", "macro_f1", "log_loss")
WIDTH = 120  # where there is no terminal


def terminal_text(document: dict[str, Any]) -> str:
    from rich import box
    from rich.console import Console
    from rich.table import Table

    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    table.add_column("model", no_wrap=True)
    shown = [m for m in words.known_measures(document) if m.name in COLUMNS]
    for name in ("images", "test accuracy", "95 % interval", *(m.title for m in shown)):
        table.add_column("\n".join(name.rsplit(" ", 1)), justify="right", no_wrap=True)
    before = None
    for row in document["rows"]:
        if before not in (None, row["size"]):
            table.add_section()
        before = row["size"]
        first = (row["model"], f"{row['size']:,}", _accuracy(row))
        second = words.interval(row, "test_accuracy")
        table.add_row(*first, second, *(words.cell(row, m) for m in shown))
    encoding = getattr(sys.stdout, "encoding", None) or "utf-8"  # decides which rules are drawn
    file = io.TextIOWrapper(io.BytesIO(), encoding, "backslashreplace")
    on_terminal = sys.stdout is not None and sys.stdout.isatty()
    width = shutil.get_terminal_size((WIDTH, 0)).columns if on_terminal else WIDTH
    console = Console(file=file, width=width, color_system=None, markup=False, emoji=False)
    console.print(f"{words.title(document)}: {words.data_line(document)}", highlight=False)
    console.print(table, highlight=False)
    for sentence in document["verdict"]:
        console.print(sentence, highlight=False)
    page = f"{document['folder']}/report.html"
    console.print(f"\nall figures, pictures, tests: {page}", highlight=False, soft_wrap=True)
    file.seek(0)
    return file.read().rstrip()


def _accuracy(row: dict[str, Any]) -> str:
    return words.cell(row, "test_accuracy") if row["runs"] else "failed"
