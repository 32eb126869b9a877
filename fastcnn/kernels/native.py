"""The default maker: C kernels behind Cython. The only module that talks to `_kernels`."""

import os
from functools import cache
from typing import Any

import numpy as np

import fastcnn._kernels as _kernels
from fastcnn.errors import BackendError, unknown
from fastcnn.kernels.program import ALL_BLOCKS, Arrays, Program, plugin_step
from fastcnn.kernels.spec import ENUMS, Op
from fastcnn.kernels.threads import enter_run


@cache
def isas() -> list[str]:
    """Instruction sets this CPU can run, best first."""
    return _kernels.isas()


def isa_index(isa: str | None = None) -> int:
    """Number of the wanted instruction set: the argument, else FASTCNN_ISA, else the best."""
    isa = isa or os.environ.get("FASTCNN_ISA") or isas()[0]
    if isa not in isas():
        raise unknown("instruction set", isa, isas())
    return isas().index(isa)


@cache
def position(isa: int, kernel: str, tensor: str) -> tuple[int, bool]:
    """Place of a tensor among the arguments of a kernel, and whether it is written."""
    tensors = signatures(isa)[kernel][0]
    names = [name for name, _ in tensors]
    return names.index(tensor), tensors[names.index(tensor)][1]


@cache
def signatures(isa: int) -> dict[str, tuple[list[tuple[str, bool]], list[str], list[str]]]:
    """{kernel: ([(tensor, is written)], integers, floats)}, names in the order of the C side."""
    result = {}
    for name, text in _kernels.signatures(isa).items():
        tensors, integers, floats = (part.split() for part in (text + "||").split("|")[:3])
        result[name] = ([(t.strip("?>"), ">" in t) for t in tensors], integers, floats)
    return result


class NativeProgram(Program):
    backend = "native"
    carries = True

    def __init__(self, isa: str | None = None) -> None:
        super().__init__()
        self.isa = isa_index(isa)
        # Runs of C kernels, each one release of the GIL, and Python kernels between them.
        self._parts: list[Any] = []
        self._places: list[tuple[int, int]] = []  # of each step: its part, its number there

    def check(self, op: Op, arrays: Arrays, params: dict[str, Any]) -> None:
        super().check(op, arrays, params)
        for name, array in arrays.items():
            wide = array is not None and array.dtype == np.float64 and op.dtype(name) != "float64"
            if wide and op.python is None:
                raise BackendError(f"{op.name}: native kernels take float32, {name} is float64")

    def _add(self, op: Op, arrays: Arrays, params: dict[str, Any]) -> None:
        if op.python is not None:
            self._parts.append(plugin_step(op, arrays, params))
            self._places.append((len(self._parts) - 1, 0))
            return
        try:
            tensors, integers, floats = signatures(self.isa)[op.name]
        except KeyError:
            raise BackendError(f"the native backend has no kernel {op.name!r}") from None
        codes = {
            k: ENUMS[k][v] if k in ENUMS and isinstance(v, str) else v for k, v in params.items()
        }
        if not self._parts or not isinstance(self._parts[-1], _kernels.Program):
            self._parts.append(_kernels.Program(self.isa))
        self._parts[-1].add(
            op.name,
            [(arrays[name], written) for name, written in tensors],
            [codes[name] for name in integers],
            [codes[name] for name in floats],
        )
        self._places.append((len(self._parts) - 1, len(self._parts[-1]) - 1))

    def _rebind(self, step: int, tensor: str, array: np.ndarray) -> None:
        place, number = self._places[step]
        op = self._bound[step][0]
        if op.python is not None:
            self._parts[place].rebind(0, tensor, array)
            return
        where, written = position(self.isa, op.name, tensor)
        self._parts[place].set_tensor(number, where, array, written)

    def carry(self, run: range, blocks: int, memory: np.ndarray) -> None:
        part, first = self._places[run.start]
        by_block = []
        for step in run:
            op = self._bound[step][0]
            tensors = [name for name, _ in signatures(self.isa)[op.name][0]]
            by_block.append(sum(op.has_blocks(name) << k for k, name in enumerate(tensors)))
        self._parts[part].carry(first, by_block, blocks, memory)

    def run(self, blocks: int = ALL_BLOCKS, threads: int = 1, prepare: bool = True) -> None:
        threads = enter_run(threads)
        for part in self._parts:
            part.run(blocks, threads, prepare)

    def step_seconds(self, blocks: int = ALL_BLOCKS, threads: int = 1) -> list[tuple[str, float]]:
        """Run once; (kernel, wall seconds) of each step."""
        threads = enter_run(threads)
        seconds = [s for part in self._parts for s in part.step_seconds(blocks, threads)]
        return [(op.name, s) for (op, _, _), s in zip(self._bound, seconds, strict=True)]
