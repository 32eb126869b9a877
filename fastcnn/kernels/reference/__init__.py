"""The oracle: every kernel in plain NumPy, written to be read, in float32 or float64.

One function for each row of `kernels/spec/`, with the same names and parameters. Outputs are
arrays that the caller owns and the function fills.
"""

import time
from collections.abc import Callable
from functools import cache
from importlib import import_module
from typing import Any

import numpy as np

from fastcnn.errors import BackendError
from fastcnn.kernels.program import ALL_BLOCKS, Arrays, Program, active_blocks
from fastcnn.kernels.spec import Op

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
    "winograd",
)


@cache
def functions() -> dict[str, Callable]:
    """{kernel name: function} of all families."""
    found: dict[str, Callable] = {}
    for family in FAMILIES:
        module = import_module(f"{__name__}.{family}")
        found.update({name: getattr(module, name) for name in module.__all__})
    return found


class ReferenceProgram(Program):
    backend = "reference"

    def _add(self, op: Op, arrays: Arrays, params: dict[str, Any]) -> None:
        if op.python is None and op.name not in functions():
            raise BackendError(f"the reference backend has no kernel {op.name!r}")

    def _rebind(self, step: int, tensor: str, array: np.ndarray) -> None:
        """Runs read the bound arrays."""

    def run(self, blocks: int = ALL_BLOCKS, threads: int = 1, prepare: bool = True) -> None:
        self.step_seconds(blocks)

    def step_seconds(self, blocks: int = ALL_BLOCKS, threads: int = 1) -> list[tuple[str, float]]:
        seconds = []
        for op, arrays, params in self._bound:
            start = time.perf_counter()
            function = op.python or functions()[op.name]
            function(**active_blocks(op, arrays, blocks), **params)
            seconds.append((op.name, time.perf_counter() - start))
        return seconds
