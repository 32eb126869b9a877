"""What a regularizer is: a penalty on parameters that is added to the loss."""

from collections.abc import Iterator
from typing import Any

import numpy as np

from fastcnn.engine.builder import Builder
from fastcnn.engine.constraint import by_unit
from fastcnn.engine.parameters import ParameterStore
from fastcnn.kernels import call


class Regularizer:
    """Base of all regularizers: l1 sum|p| + l2 sum p^2, or the penalty of a kernel.

    The optimizers take l1 and l2 in as they go. A kernel gets a parameter as w (A, U, B), with U
    units (see engine/constraint.py), and adds its gradient to dw or writes its value into out (1,),
    whichever is given.
    """

    registered_name: str = ""
    l1: float = 0.0
    l2: float = 0.0
    kernel: str | None = None

    def options(self) -> dict[str, Any]:
        """The kernel's parameters."""
        return {}


def _with_kernel(store: ParameterStore) -> Iterator[tuple[str, Any, int | None]]:
    for key in store.trainable:
        p = store.specs[key]
        if p.regularizer is not None:
            yield key, p.regularizer, p.unit_axis


def regularize(build: Builder) -> None:
    """Append what adds the gradients of the regularizers that have a kernel."""
    store = build.store
    for key, regularizer, axis in _with_kernel(store):
        w, dw = by_unit(store.value(key), axis), by_unit(store.gradient(key), axis)
        build.step(regularizer.kernel, regularizer.options(), w=w, dw=dw)


def penalty_value(store: ParameterStore, backend: str | None) -> float:
    """What the regularizers of all parameters add to the loss."""
    total, penalties = np.zeros(1), store.penalties()
    if penalties[:, :2].any():  # l1 and l2
        arrays = {"p": store.snapshot(), "bounds": store.bounds, "penalties": penalties}
        call("penalty_value", {**arrays, "out": total}, backend)
    for key, regularizer, axis in _with_kernel(store):
        out, w = np.zeros(1), by_unit(store.value(key), axis)
        call(regularizer.kernel, {"w": w, "out": out}, backend, **regularizer.options())
        total += out
    return float(total[0])
