"""The table that `model.summary()` gives."""

import math
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass

from fastcnn.engine.layer import Layer
from fastcnn.engine.network import Network
from fastcnn.engine.preprocessing import joined
from fastcnn.engine.reader import Reader
from fastcnn.engine.symbolic import Call, SymbolicTensor
from fastcnn.text import one_line

COLUMNS = ("layer", "output shape", "parameters", "multiply-adds", "bytes", "connected to")
NUMBERS = (2, 3, 4)
BYTES = 4  # of a float32


@dataclass(frozen=True)
class Row:
    """One use of a layer or inner model. parameters: None if an earlier use has counted them."""

    name: str
    kind: str
    shapes: list[str]
    parameters: int | None
    multiply_adds: int
    bytes: int
    reads: list[str]

    def cells(self) -> tuple[str, ...]:
        return (
            f"{self.name} ({self.kind})",
            ", ".join(self.shapes),
            "shared" if self.parameters is None else f"{self.parameters:,}",
            f"{self.multiply_adds:,}",
            f"{self.bytes:,}",
            ", ".join(self.reads),
        )


def summary_rows(network: Network) -> list[Row]:
    """Inputs, then every use of a layer or inner model in running order; figures of one sample."""
    titles = dict(zip(network.inputs, network.input_names, strict=True))
    rows = [_input_row(tensor, title, network) for tensor, title in titles.items()]
    uses: Counter[str] = Counter()
    counted: set[Layer] = set()
    for call in network.calls:
        name = network.names[call.callee]
        title = f"{name}:{uses[name]}" if uses[name] else name
        parameters = None if uses[name] else _count(call, counted)
        uses[name] += 1
        size = BYTES * sum(math.prod(tensor.sample) for tensor in call.outputs)
        reads = [titles[tensor] for tensor in call.inputs]
        shapes = [shape_text(tensor) for tensor in call.outputs]
        kind = type(call.callee).__name__
        rows.append(Row(title, kind, shapes, parameters, _multiply_adds(call), size, reads))
        many = len(call.outputs) > 1
        titles |= {t: f"{title}[{t.index}]" if many else title for t in call.outputs}
    return rows


def _input_row(tensor: SymbolicTensor, name: str, network: Network) -> Row:
    """With what pixels mean to the layers that read the input."""
    pixels = joined((reader.preprocessing for reader in _readers(tensor, network)), name)
    kind = ", ".join(filter(None, ("Input", pixels.describe() if pixels else "")))
    return Row(name, kind, [shape_text(tensor)], 0, 0, BYTES * math.prod(tensor.sample), [])


def _readers(tensor: SymbolicTensor, network: Network) -> Iterator[Reader]:
    for call in network.calls:
        for number, read in enumerate(call.inputs):
            if read is not tensor:
                continue
            if isinstance(call.callee, Network):
                yield from _readers(call.callee.inputs[number], call.callee)
            else:
                yield Reader(call.callee, number)


def shape_text(tensor: SymbolicTensor) -> str:
    """ "28x28x30": height x width x channels, or channels first if the data is so."""
    return "x".join(map(str, tensor.shape[1:]))


def _count(call: Call, counted: set[Layer]) -> int:
    """Numbers in the parameters that this call adds to those of the layers counted before."""
    if isinstance(call.callee, Network):
        return sum(_count(inner, counted) for inner in call.callee.calls)
    if call.callee in counted:
        return 0
    counted.add(call.callee)
    parameters = call.callee.parameters(*(tensor.sample for tensor in call.inputs))
    return sum(math.prod(p.shape) for p in parameters.values())


def _multiply_adds(call: Call) -> int:
    if isinstance(call.callee, Network):
        return sum(map(_multiply_adds, call.callee.calls))
    return call.callee.multiply_adds(*(tensor.sample for tensor in call.inputs))


def is_chain(network: Network) -> bool:
    """Whether every call reads what the one before it gives, and that alone."""
    before = network.inputs
    for call in network.calls:
        if call.inputs != before or len(before) != 1:
            return False
        before = call.outputs
    return True


def count_parameters(network: Network) -> int:
    """Numbers in all parameters, which need not exist yet."""
    return sum(row.parameters or 0 for row in summary_rows(network))


def summary_text(model: Network) -> str:
    """The rows as a table with totals; what reads what is shown where it is no chain."""
    rows = summary_rows(model)
    width = len(COLUMNS) - is_chain(model)
    totals = [
        sum(row.parameters or 0 for row in rows),
        sum(row.multiply_adds for row in rows),
        sum(row.bytes for row in rows if row.kind != "Input"),
    ]
    last = ("total", "", *(f"{total:,}" for total in totals), "")
    cells = [
        tuple(map(one_line, cells[:width]))
        for cells in (COLUMNS, *(row.cells() for row in rows), last)
    ]
    widths = [max(len(row[k]) for row in cells) for k in range(width)]
    lines = ["  ".join(map(_align, row, widths, range(width))).rstrip() for row in cells]
    rule = "-" * max(map(len, lines))
    text = [f"Model: {one_line(model.name)}", rule, lines[0], rule, *lines[1:-1], rule, lines[-1]]
    frozen = _frozen(model)
    return "\n".join([*text, f"of these frozen: {frozen:,}"] if frozen else text)


def _frozen(network: Network) -> int:
    """Numbers that an optimizer would change if their layers were trainable."""
    nodes = [node for node in network.unfold().nodes if node.owner == node.name and node.layer]
    frozen = [node for node in nodes if node.layer and not node.layer.trainable]
    parameters = [p for node in frozen for p in node.parameters.values() if p.trainable]
    return sum(math.prod(p.shape) for p in parameters)


def _align(cell: str, width: int, column: int) -> str:
    return cell.rjust(width) if column in NUMBERS else cell.ljust(width)
