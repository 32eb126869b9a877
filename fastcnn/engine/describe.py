"""What a plan does, step by step, as text."""

import math
from typing import TYPE_CHECKING, Any

import numpy as np

from fastcnn.engine.graph import Node
from fastcnn.engine.table import table

if TYPE_CHECKING:
    from fastcnn.engine.plan import Plan

MULTIPLY = ("conv2d", "winograd", "dense", "local2d")  # families of kernels that multiply
MIB = 2**20
COLUMNS = ("step", "kernel", "layer", "reads MiB", "writes MiB", "GFLOP")


def describe(plan: "Plan") -> str:
    """A row for each step: its kernel, the layer it belongs to, the memory it reads and writes
    (weights too) and its nominal operations, those of direct convolution; above it, which steps
    blocks are carried through."""
    rows: list[tuple[str, ...]] = [COLUMNS]
    totals = np.zeros(3)
    steps = zip(plan.program.bound, plan.owners, strict=True)
    for number, ((op, arrays, params), node) in enumerate(steps):
        figures = (*_traffic(op, arrays), operations(op.name, node) * plan.batch / 1e9)
        totals += figures
        name = "" if node is None else node.name
        rows.append((str(number), title(op, arrays, params), name, *_cells(figures)))
    rows.append(("", "sum", "", *_cells(totals)))
    heading = (
        f"{plan.purpose}: {len(rows) - 2} steps for {plan.batch} samples, blocks of {plan.lanes},"
        f" {plan.program.backend}; {plan.bytes / MIB:.1f} MiB of buffers"
    )
    if plan.runs:
        runs = ", ".join(f"{run.start} to {run.stop - 1}" for run in plan.runs)
        heading += (
            f" and {plan.bytes_a_thread / MIB:.1f} a thread"
            f"\nblocks are carried one by one through steps {runs}"
        )
    return f"{heading}\n{table(rows, right=(0, 3, 4, 5))}"


def title(op: Any, arrays: dict[str, np.ndarray | None], params: dict[str, Any]) -> str:
    """A kernel's name, of Winograd's with its form F(m x m, r x r): outputs of a tile, kernel."""
    if not op.name.startswith("winograd"):
        return str(op.name)
    sums, w = (arrays.get(name) for name in ("sums", "w"))
    if w is None:
        w = arrays.get("dw")
    kernel = params["kernel"] if w is None else w.shape[2]
    outputs = (params["side"] if sums is None else math.isqrt(sums.shape[1])) + 1 - kernel
    return f"{op.name} F({outputs}x{outputs},{kernel}x{kernel})"


def _traffic(op: Any, arrays: dict[str, np.ndarray | None]) -> tuple[float, float]:
    """MiB that it reads and that it writes."""
    sizes = {name: 0 if array is None else array.nbytes for name, array in arrays.items()}
    written = sum(size for name, size in sizes.items() if op.is_output(name))
    return (sum(sizes.values()) - written) / MIB, written / MIB


def operations(kernel: str, node: Node | None) -> int:
    """For one sample; of Winograd's two steps to a weight gradient the first counts."""
    if node is None or node.layer is None or not kernel.startswith(MULTIPLY):
        return 0
    counts = kernel != "winograd_weight_gradient"
    return 2 * counts * node.layer.multiply_adds(*node.input_shapes)


def _cells(figures: Any) -> tuple[str, ...]:
    return tuple(f"{figure:.2f}" for figure in figures)
