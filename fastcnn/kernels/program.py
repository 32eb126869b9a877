"""A program: kernels with bound arrays, run in order. Every maker has one with this interface."""

import time
from abc import ABC, abstractmethod
from typing import Any

import numpy as np

from fastcnn.errors import BackendError, ShapeError, unknown
from fastcnn.kernels.backends import resolve_backend
from fastcnn.kernels.checks import contiguous_pixels
from fastcnn.kernels.spec import (
    DTYPES,
    OPS,
    SLOPE_FROM_OUTPUT,
    Op,
)

Arrays = dict[str, np.ndarray | None]
ALL_BLOCKS = 2**62


class Program(ABC):
    """Append kernels with `add`, then `run` as often as wanted; the arrays stay bound."""

    backend: str
    carries = False  # whether it has `carry`

    def __init__(self) -> None:
        self._bound: list[tuple[Op, Arrays, dict[str, Any]]] = []

    def add(self, name: str, arrays: Arrays, **params: Any) -> int:
        """Append kernel `name` with its arrays and parameters; returns the number of the step."""
        op = OPS.get(name)
        if op is None:
            raise unknown("kernel", name, OPS)
        params = {**op.params, **params}
        self.check(op, arrays, params)
        arrays = {tensor: arrays.get(tensor) for tensor in op.tensors}
        self._add(op, arrays, params)
        self._bound.append((op, arrays, params))
        return len(self._bound) - 1

    @abstractmethod
    def _add(self, op: Op, arrays: Arrays, params: dict[str, Any]) -> None: ...

    def rebind(self, step: int, tensor: str, array: np.ndarray) -> None:
        """Point a tensor of a step at another array, which must fit the step's other ones.

        Its shape must stay: workspaces were sized by it. `strided` tensors may have another length.
        """
        op, arrays, params = self._bound[step]
        old = arrays.get(tensor)
        if old is None or not _lie_alike(array, old):
            self.check(op, {**arrays, tensor: array}, params)
            if tensor not in op.strided and (old is None or old.shape != array.shape):
                shape = None if old is None else old.shape
                raise ShapeError(f"{op.name}: {tensor} was bound as {shape}, not {array.shape}")
        self._rebind(step, tensor, array)
        arrays[tensor] = array

    @abstractmethod
    def _rebind(self, step: int, tensor: str, array: np.ndarray) -> None: ...

    def carry(self, run: range, blocks: int, memory: np.ndarray) -> None:
        """Take one block after the other through these steps, whose kernels are `by_block`.

        memory: bytes of one block of all tensors that only carried steps touch. Each thread has a
            copy of its own, so these tensors can't be read afterwards.
        """
        raise BackendError(f"the {self.backend} backend carries no blocks through steps")

    def check(self, op: Op, arrays: Arrays, params: dict[str, Any]) -> None:
        """Raise unless this maker can run the kernel with these arguments."""
        check_arguments(op, arrays, params)

    @property
    def bound(self) -> list[tuple[Op, Arrays, dict[str, Any]]]:
        """The kernel, its arrays and its parameters, step by step."""
        return list(self._bound)

    def kernels(self) -> list[str]:
        """Names of the kernels, step by step."""
        return [op.name for op, _, _ in self._bound]

    @abstractmethod
    def run(self, blocks: int = ALL_BLOCKS, threads: int = 1, prepare: bool = True) -> None:
        """Run all steps on the first `blocks` blocks of every activation.

        prepare: whether parameters may have changed since the last run; kernels that pack them do
            it again then.
        """

    @abstractmethod
    def step_seconds(self, blocks: int = ALL_BLOCKS, threads: int = 1) -> list[tuple[str, float]]:
        """Run once; (kernel, wall seconds) of each step."""


def _lie_alike(a: np.ndarray, b: np.ndarray) -> bool:
    """Whether they are the same in all that a check looks at."""
    return a.shape == b.shape and a.strides == b.strides and a.dtype == b.dtype


class PythonStep:
    """A plugin's kernel (spec.register_kernel) with its arrays, read anew in every run."""

    def __init__(self, op: Op, arrays: Arrays, params: dict[str, Any]) -> None:
        self.op, self.arrays, self.params = op, arrays, params

    def run(self, blocks: int, threads: int, prepare: bool = True) -> None:
        assert self.op.python is not None
        self.op.python(**active_blocks(self.op, self.arrays, blocks), **self.params)

    def rebind(self, step: int, tensor: str, array: np.ndarray) -> None:
        """`arrays` is the program's own, which it changes."""

    def step_seconds(self, blocks: int, threads: int) -> list[float]:
        start = time.perf_counter()
        self.run(blocks, threads)
        return [time.perf_counter() - start]


def plugin_step(op: Op, arrays: Arrays, params: dict[str, Any]) -> Any:
    """A step of its own for a plugin's kernel: in Python, or compiled by Numba (kernels.kit)."""
    from fastcnn.kernels.kit import NumbaKernel

    if not isinstance(op.python, NumbaKernel):
        return PythonStep(op, arrays, params)
    resolve_backend("numba")  # an error if there is none
    from fastcnn.kernels.numba_.program import Part

    part = Part()
    part.add(op.python.function, op, arrays, params)
    return part


def active_blocks(op: Op, arrays: Arrays, blocks: int) -> Arrays:
    """The blocks that hold images, of tensors that have a block axis."""
    return {
        name: array[:blocks] if array is not None and op.has_blocks(name) else array
        for name, array in arrays.items()
    }


def check_arguments(op: Op, arrays: Arrays, params: dict[str, Any]) -> None:
    """Raise unless names, dtypes and axes fit the spec table; says what came and was expected."""
    for name in arrays:
        if name not in op.tensors:
            raise unknown(f"tensor of {op.name}", name, op.tensors)
    for name in params:
        if name not in op.params:
            raise unknown(f"parameter of {op.name}", name, op.params)
    _check_activation(op, params.get("activation"))
    lengths: dict[str, tuple[int, str]] = {}
    for tensor in op.tensors:
        array = arrays.get(tensor)
        if array is not None:
            _check_tensor(op, tensor, array, lengths)
        elif not op.is_optional(tensor):
            raise BackendError(f"{op.name} needs the tensor {tensor!r} ({op.tensors[tensor]})")
    contiguous_pixels(op.name, arrays, op.strided)
    if op.check:
        op.check(op.name, arrays, params)


def _check_activation(op: Op, activation: object) -> None:
    """A backward kernel that gets the output y of an activation knows its slope from there."""
    if activation is None or op.python is not None:
        return
    known = op.activations
    if op.name.endswith(("_backward", "_backward_input", "_backward_weight")):
        known = SLOPE_FROM_OUTPUT if "y" in op.tensors else known
    if activation not in known:
        raise unknown(f"activation of {op.name}", activation, known)


def _check_tensor(
    op: Op, tensor: str, array: np.ndarray, lengths: dict[str, tuple[int, str]]
) -> None:
    axes = op.axes(tensor)
    expected = f"{op.name}: {tensor} must be ({', '.join(axes)})"
    if array.ndim != len(axes):
        raise ShapeError(f"{expected}, not {array.shape}")
    dtype = op.dtype(tensor)
    wanted = DTYPES[dtype]
    if array.dtype.name not in wanted or not array.dtype.isnative:
        raise ShapeError(f"{expected} of {' or '.join(wanted)}, not {array.dtype}")
    for axis, length in zip(axes, array.shape, strict=True):
        if axis.isdigit() and length != int(axis):
            raise ShapeError(f"{expected}, not {array.shape}")
        seen, where = lengths.setdefault(axis, (length, tensor))
        if seen != length:
            raise ShapeError(f"{expected}; its {axis} is {length}, but {where} has {seen}")


def new_program(backend: str | None = None, isa: str | None = None) -> Program:
    """An empty program of the named maker; see backends.resolve_backend."""
    backend = resolve_backend(backend)
    if backend == "native":
        from fastcnn.kernels.native import NativeProgram

        return NativeProgram(isa)
    if backend == "numba":
        from fastcnn.kernels.numba_.program import NumbaProgram

        return NumbaProgram()
    from fastcnn.kernels.reference import ReferenceProgram

    return ReferenceProgram()


def call(
    name: str, arrays: Arrays, backend: str | None = None, threads: int = 1, **params: Any
) -> None:
    """Run one kernel once."""
    program = new_program(backend)
    program.add(name, arrays, **params)
    program.run(threads=threads)
