"""A program of Numba kernels."""

import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cache
from importlib import import_module
from typing import Any

import numpy as np
from numba.core import types

from fastcnn.errors import BackendError
from fastcnn.kernels.aligned import aligned_zeros
from fastcnn.kernels.kit import NumbaKernel
from fastcnn.kernels.numba_ import driver
from fastcnn.kernels.numba_.compiled import compile_entry, tensor_type
from fastcnn.kernels.numba_.machine import AXES, WORDS
from fastcnn.kernels.program import ALL_BLOCKS, Arrays, Program, PythonStep
from fastcnn.kernels.spec import ENUMS, Op
from fastcnn.kernels.threads import enter_run

PACKAGE = "fastcnn.kernels.numba_"
FAMILIES = (
    "activation",
    "activity",
    "augment",
    "batch_norm",
    "bias",
    "color_histogram",
    "conv2d",
    "copy",
    "dense",
    "dropout",
    "elementwise_loss",
    "fold",
    "gather",
    "gradient",
    "group_norm",
    "hog",
    "layer_norm",
    "local2d",
    "log_softmax",
    "loss",
    "lrn",
    "maxout",
    "merge",
    "noise",
    "optimizer",
    "peak",
    "pool2d",
    "prelu",
    "rng",
    "sample_loss",
    "upsampling2d",
    "weights",
)


@cache
def functions() -> dict[str, Callable]:
    """{kernel name: function} of all families, not yet compiled."""
    found: dict[str, Callable] = {}
    for family in FAMILIES:
        module = import_module(f"{PACKAGE}.{family}")
        found.update({name: getattr(module, name) for name in module.__all__})
    return found


def function_of(op: Op) -> Callable | None:
    """What is compiled for a kernel; None: it is done in Python."""
    if isinstance(op.python, NumbaKernel):
        return op.python.function
    if op.python is not None:
        return None
    if op.name not in functions():
        raise BackendError(f"the numba backend has no kernel {op.name!r}")
    return functions()[op.name]


class NumbaProgram(Program):
    backend = "numba"

    def __init__(self) -> None:
        super().__init__()
        # Runs of compiled kernels, each one release of the GIL, and Python kernels between them.
        self._parts: list[Part | PythonStep] = []
        self._places: list[tuple[int, int]] = []  # of each step: its part, its number there

    def check(self, op: Op, arrays: Arrays, params: dict[str, Any]) -> None:
        super().check(op, arrays, params)
        for name, array in arrays.items():
            wide = array is not None and array.dtype == np.float64 and op.dtype(name) != "float64"
            if wide and op.python is None:
                raise BackendError(f"{op.name}: numba kernels take float32, {name} is float64")

    def _add(self, op: Op, arrays: Arrays, params: dict[str, Any]) -> None:
        function = function_of(op)
        if function is None:
            self._parts.append(PythonStep(op, arrays, params))
            self._places.append((len(self._parts) - 1, 0))
            return
        if not self._parts or not isinstance(self._parts[-1], Part):
            self._parts.append(Part())
        part = self._parts[-1]
        assert isinstance(part, Part)
        part.add(function, op, arrays, params)
        self._places.append((len(self._parts) - 1, len(part) - 1))

    def _rebind(self, step: int, tensor: str, array: np.ndarray) -> None:
        place, number = self._places[step]
        self._parts[place].rebind(number, tensor, array)

    def run(self, blocks: int = ALL_BLOCKS, threads: int = 1, prepare: bool = True) -> None:
        threads = enter_run(threads)
        for part in self._parts:
            part.run(blocks, threads, prepare)

    def step_seconds(self, blocks: int = ALL_BLOCKS, threads: int = 1) -> list[tuple[str, float]]:
        """Run once; (kernel, wall seconds) of each step."""
        threads = enter_run(threads)
        seconds = [s for part in self._parts for s in part.step_seconds(blocks, threads)]
        return [(op.name, s) for (op, _, _), s in zip(self._bound, seconds, strict=True)]


@dataclass
class _Step:
    """A kernel with its arguments."""

    function: Callable
    op: Op
    arrays: Arrays
    params: dict[str, Any]

    def __post_init__(self) -> None:
        op = self.op
        tensors = tuple(
            (
                tensor_type(self._dtype(name), len(op.axes(name)), name in op.strided),
                op.axes(name)[0] == "B",
            )
            for name in op.tensors
        )
        kinds = tuple(
            types.float64 if isinstance(default, float) else types.int64
            for default in op.params.values()
        )
        scratch = getattr(self.function, "scratch", None)
        self.address = compile_entry(self.function, tensors, kinds)
        self.words = _words(op, self.arrays, self.params)
        self.floats = scratch(self.arrays, self.params) if scratch else 0

    def _dtype(self, tensor: str) -> np.dtype:
        """That of an absent one is as in the table; floats are all alike."""
        array, fixed = self.arrays.get(tensor), self.op.dtype(tensor)
        if array is not None:
            return array.dtype
        if fixed not in ("float", "pixel"):
            return np.dtype(fixed)
        floats = (n for n in self.op.tensors if self.op.dtype(n) == "float")
        others = [self.arrays[n] for n in floats]
        return next((a.dtype for a in others if a is not None), np.dtype(np.float32))


class Part:
    """Compiled kernels between two Python ones: one release of the GIL."""

    def __init__(self) -> None:
        self._steps: list[_Step] = []
        self._shares = 0  # for how many `_rows` are made

    def __len__(self) -> int:
        return len(self._steps)

    def add(self, function: Callable, op: Op, arrays: Arrays, params: dict[str, Any]) -> None:
        self._steps.append(_Step(function, op, arrays, params))
        self._shares = 0

    def rebind(self, step: int, tensor: str, array: np.ndarray) -> None:
        old = self._steps[step]
        self._steps[step] = replace(old, arrays={**old.arrays, tensor: array})
        self._shares = 0

    def run(self, blocks: int, threads: int, prepare: bool = True) -> None:
        driver.run(self._rows_for(threads), blocks, threads)

    def step_seconds(self, blocks: int, threads: int) -> list[float]:
        rows, seconds = self._rows_for(threads), []
        for k in range(len(rows)):
            start = time.perf_counter()
            driver.run(rows[k : k + 1], blocks, threads)
            seconds.append(time.perf_counter() - start)
        return seconds

    def _rows_for(self, threads: int) -> np.ndarray:
        """Rows as driver.take_shares reads them; kept between runs."""
        if self._shares < threads:
            floats = -(-max(step.floats for step in self._steps) // 16) * 16  # of each share
            self._scratch = aligned_zeros(floats * threads, np.dtype(np.float32))
            memory = self._scratch.ctypes.data
            rows = [(s.address, s.words.ctypes.data, memory, floats) for s in self._steps]
            self._rows, self._shares = np.array(rows, np.int64), threads
        return self._rows


def _words(op: Op, arrays: Arrays, params: dict[str, Any]) -> np.ndarray:
    """What machine.argument_reader reads."""
    words: list[int] = []
    for name in op.tensors:
        array = arrays.get(name)
        if array is None:
            words += [0] * WORDS
            continue
        padding = [0] * (AXES - array.ndim)
        words += [array.ctypes.data, *array.shape, *padding, *array.strides, *padding]
    for name, default in op.params.items():
        value = params[name]
        value = ENUMS[name][value] if name in ENUMS and isinstance(value, str) else value
        word = np.float64(value).view(np.int64) if isinstance(default, float) else value
        words.append(int(word))
    return np.array(words, np.int64)
