"""Rows of text, aligned."""

from collections.abc import Sequence

from fastcnn.text import one_line


def table(rows: Sequence[tuple[str, ...]], right: tuple[int, ...] = ()) -> str:
    """Columns, aligned; `right` are those that end flush."""
    rows = [tuple(map(one_line, row)) for row in rows]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]

    def cell(text: str, k: int) -> str:
        return text.rjust(widths[k]) if k in right else text.ljust(widths[k])

    lines = ("  ".join(cell(text, k) for k, text in enumerate(row)) for row in rows)
    return "\n".join(line.rstrip() for line in lines)
