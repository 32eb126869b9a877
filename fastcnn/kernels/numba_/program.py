"""A program of Numba kernels."""

import time
from collections.abc import Callable
from functools import cache
from importlib import import_module
from typing import Any

import numpy as np
from numba.core import types

from fastcnn.errors import BackendError
from fastcnn.kernels.numba_ import driver
from fastcnn.kernels.numba_.compiled import compile_entry, tensor_type
from fastcnn.kernels.program import ALL_BLOCKS, Arrays, Program, PythonStep
from fastcnn.kernels.spec import ENUMS, Op
from fastcnn.kernels.threads import enter_run

PACKAGE = "fastcnn.kernels.numba_"
FAMILIES = (
    "activation",
    "batch_norm",
    "conv2d",
    "copy",
    "dense",
    "dropout",
    "gather",
    "loss",
    "optimizer",
    "peak",
    "pool2d",
    "rng",
)


@cache
def functions() -> dict[str, Callable]:
    """{kernel name: function} of all families, not yet compiled."""
    found: dict[str, Callable] = {}
    for family in FAMILIES:
        module = import_module(f"{PACKAGE}.{family}")
        found.update({name: getattr(module, name) for name in module.__all__})
    return found


class NumbaProgram(Program):
    backend = "numba"

    def __init__(self) -> None:
        super().__init__()
        self._parts: list[_Part | PythonStep] = []
        self._places: list[tuple[int, int]] = []  # of each step: its part, its number there

    def check(self, op: Op, arrays: Arrays, params: dict[str, Any]) -> None:
        super().check(op, arrays, params)
        for name, array in arrays.items():
            wide = array is not None and array.dtype == np.float64 and op.dtype(name) != "float64"
            if wide and op.python is None:
                raise BackendError(f"{op.name}: numba kernels take float32, {name} is float64")

    def _add(self, op: Op, arrays: Arrays, params: dict[str, Any]) -> None:
        if op.python is not None:
            self._parts.append(PythonStep(op, arrays, params))
            self._places.append((len(self._parts) - 1, 0))
            return
        if op.name not in functions():
            raise BackendError(f"the numba backend has no kernel {op.name!r}")
        if not self._parts or isinstance(self._parts[-1], PythonStep):
            self._parts.append(_Part())
        part = self._parts[-1]
        assert isinstance(part, _Part)
        part.add(functions()[op.name], op, arrays, params)
        self._places.append((len(self._parts) - 1, len(part.words) - 1))

    def _rebind(self, step: int, tensor: str, array: np.ndarray) -> None:
        place, number = self._places[step]
        op, arrays, params = self._bound[step]
        part = self._parts[place]
        if isinstance(part, _Part):
            part.bind(number, functions()[op.name], op, {**arrays, tensor: array}, params)

    def run(self, blocks: int = ALL_BLOCKS, threads: int = 1) -> None:
        threads = enter_run(threads)
        for part in self._parts:
            part.run(blocks, threads)

    def step_seconds(self, blocks: int = ALL_BLOCKS, threads: int = 1) -> list[tuple[str, float]]:
        """Run once; (kernel, wall seconds) of each step."""
        threads = enter_run(threads)
        seconds = [s for part in self._parts for s in part.step_seconds(blocks, threads)]
        return [(op.name, s) for (op, _, _), s in zip(self._bound, seconds, strict=True)]


class _Part:
    """Kernels between two Python ones: one release of the GIL."""

    def __init__(self) -> None:
        self.words: list[np.ndarray] = []  # the arguments of each kernel
        self.addresses: list[int] = []
        self.floats: list[int] = []  # of scratch, for each share
        self._shares = 0

    def add(self, function: Callable, op: Op, arrays: Arrays, params: dict[str, Any]) -> None:
        self.words.append(np.empty(0, np.int64))
        self.addresses.append(0)
        self.floats.append(0)
        self.bind(len(self.words) - 1, function, op, arrays, params)

    def bind(
        self, number: int, function: Callable, op: Op, arrays: Arrays, params: dict[str, Any]
    ) -> None:
        tensors = tuple(
            (
                tensor_type(arrays.get(name), len(op.axes(name)), name in op.strided),
                op.axes(name)[0] == "B",
            )
            for name in op.tensors
        )
        kinds = tuple(
            types.float64 if isinstance(default, float) else types.int64
            for default in op.params.values()
        )
        scratch = getattr(function, "scratch", None)
        self.words[number] = _words(op, arrays, params)
        self.addresses[number] = compile_entry(function, tensors, kinds)
        self.floats[number] = scratch(arrays, params) if scratch else 0
        self._shares = 0

    def run(self, blocks: int, threads: int) -> None:
        driver.run(self._steps(threads), blocks, threads)

    def step_seconds(self, blocks: int, threads: int) -> list[float]:
        steps, seconds = self._steps(threads), []
        for k in range(len(steps)):
            start = time.perf_counter()
            driver.run(steps[k : k + 1], blocks, threads)
            seconds.append(time.perf_counter() - start)
        return seconds

    def _steps(self, threads: int) -> np.ndarray:
        """Rows as driver._take_shares reads them; kept between runs."""
        if self._shares < threads:
            share = -(-max(self.floats) // 16) * 16
            self._scratch = aligned_floats(share * threads)
            rows = [
                (address, words.ctypes.data, self._scratch.ctypes.data, share)
                for address, words in zip(self.addresses, self.words, strict=True)
            ]
            self._rows, self._shares = np.array(rows, np.int64), threads
        return self._rows


def aligned_floats(count: int) -> np.ndarray:
    raw = np.empty(count + 32, np.float32)
    skip = -raw.ctypes.data % 64 // 4
    return raw[skip : skip + count]


def _words(op: Op, arrays: Arrays, params: dict[str, Any]) -> np.ndarray:
    """What machine.argument_reader reads."""
    words: list[int] = []
    for name in op.tensors:
        array = arrays.get(name)
        if array is None:
            words += [0] * 11
            continue
        padding = [0] * (5 - array.ndim)
        words += [array.ctypes.data, *array.shape, *padding, *array.strides, *padding]
    for name, default in op.params.items():
        value = params[name]
        value = ENUMS[name][value] if name in ENUMS and isinstance(value, str) else value
        word = np.float64(value).view(np.int64) if isinstance(default, float) else value
        words.append(int(word))
    return np.array(words, np.int64)
