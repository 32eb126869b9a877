"""What a constraint is: a kernel that changes a parameter after every update."""

from typing import Any

import numpy as np

from fastcnn.engine.builder import Builder


class Constraint:
    """Base of all constraints. Subclasses store options and name their kernel.

    The kernel's tensor w is (A, U, B), the kernel of a layer with U units; A and B together are the
    weights that come into a unit (see by_unit). A bias, gamma or beta is one unit: (1, 1, B).
    """

    registered_name: str = ""
    kernel: str

    def options(self) -> dict[str, Any]:
        """The kernel's parameters."""
        return {}


def by_unit(array: np.ndarray, unit_axis: int | None) -> np.ndarray:
    """View as (A, U, B): units on the middle axis. None: the whole array is one unit."""
    if unit_axis is None:
        return array.reshape(1, 1, -1)
    before = int(np.prod(array.shape[:unit_axis]))
    return array.reshape(before, array.shape[unit_axis], -1)


def constrain(build: Builder) -> None:
    """Append the constraints of all trainable parameters."""
    for key in build.store.trainable:
        p = build.store.specs[key]
        if p.constraint is not None:
            w = by_unit(build.store.value(key), p.unit_axis)
            build.step(p.constraint.kernel, p.constraint.options(), w=w)
