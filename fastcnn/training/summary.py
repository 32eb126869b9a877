"""The table that `model.summary()` gives."""

import math

from fastcnn.engine.graph import Graph
from fastcnn.engine.layer import Shape

COLUMNS = ("layer", "output shape", "parameters", "multiply-adds", "bytes")


def summary_rows(graph: Graph, data_format: str) -> list[tuple[str, str, int, int, int]]:
    """(layer, output shape, parameters, multiply-adds, output bytes) of one image."""
    return [
        (
            f"{node.name} ({type(node.layer).__name__})",
            shape_text(node.shape, data_format),
            sum(math.prod(p.shape) for p in node.parameters.values()),
            node.layer.multiply_adds(*node.input_shapes),
            4 * math.prod(node.shape),
        )
        for node in graph.nodes
        if node.layer is not None and not node.implicit
    ]


def shape_text(shape: Shape, data_format: str) -> str:
    """ "28x28x30": height x width x channels, or channels first if the data is so."""
    if len(shape) == 3 and data_format == "channels_last":
        shape = (shape[1], shape[2], shape[0])
    return "x".join(map(str, shape))


def summary_text(name: str, graph: Graph, data_format: str) -> str:
    """The rows as a table with totals."""
    rows = summary_rows(graph, data_format)
    source = (
        "input",
        shape_text(graph.input.shape, data_format),
        "",
        "",
        f"{4 * math.prod(graph.input.shape):,}",
    )
    cells = [COLUMNS, source, *((a, b, f"{c:,}", f"{d:,}", f"{e:,}") for a, b, c, d, e in rows)]
    totals = [sum(row[k] for row in rows) for k in (2, 3, 4)]  # type: ignore[misc]
    cells.append(("total", "", f"{totals[0]:,}", f"{totals[1]:,}", f"{totals[2]:,}"))
    widths = [max(len(row[k]) for row in cells) for k in range(5)]
    lines = [
        "  ".join(_align(cell, widths[k], k) for k, cell in enumerate(row)).rstrip()
        for row in cells
    ]
    rule = "-" * max(map(len, lines))
    return "\n".join([f"Model: {name}", rule, lines[0], rule, *lines[1:-1], rule, lines[-1]])


def _align(cell: str, width: int, column: int) -> str:
    return cell.ljust(width) if column < 2 else cell.rjust(width)
