"""`fastcnn doctor`: what is installed, what the machine can do, whether the kernels are right."""

import os
from typing import Any

import numpy as np

from fastcnn.commands.versions import isa_in_use, versions
from fastcnn.data.download import cache_dir
from fastcnn.data.load import SOURCES
from fastcnn.data.source import DATA_DIR_VARIABLE, data_dirs
from fastcnn.errors import DataError, FastcnnError
from fastcnn.kernels import call
from fastcnn.kernels.native import isa_index, isas, signatures
from fastcnn.kernels.spec import OPS
from fastcnn.kernels.threads import default_threads, effective_cores, has_openmp


def doctor(data_dir: str | None = None) -> dict[str, Any]:
    """Everything as one document; `ok` tells whether kernels are complete and right."""
    data_dirs(data_dir)  # a folder that does not exist is an error, not a missing data set
    own = {name for name, op in OPS.items() if op.python is None}  # not those of plugins
    missing = sorted(own - set(signatures(isa_index())))
    check = self_check()
    return {
        "ok": not missing and check["ok"],
        "versions": versions(),
        "isa": isa_in_use(),
        "isas": isas(),
        "threads": default_threads(),
        "cores": effective_cores(),
        "openmp": has_openmp(),
        "kernels": {"compiled": len(own) - len(missing), "missing": missing},
        "self_check": check,
        "data_dir": data_dir or os.environ.get(DATA_DIR_VARIABLE),
        "cache_dir": str(cache_dir()),
        "data": {"digits": "built in", **{name: _where(name, data_dir) for name in SOURCES}},
    }


def _where(name: str, data_dir: str | None) -> str | None:
    try:
        return str(SOURCES[name].locate(data_dir, download=False))
    except DataError:
        return None


def self_check() -> dict[str, Any]:
    """A convolution by the C kernel, with all threads, against the NumPy reference."""
    kernel, tolerance = "conv2d_forward", 1e-4
    random = np.random.default_rng(0)
    x = random.standard_normal((2, 3, 9, 7, 16), np.float32)
    w = random.standard_normal((5, 3, 3, 3), np.float32)
    results = []
    try:
        for backend in ("native", "reference"):
            y = np.zeros((2, 5, 7, 5, 16), np.float32)
            call(kernel, {"x": x, "w": w, "y": y}, backend, default_threads())
            results.append(y)
    except FastcnnError as error:
        return {"ok": False, "kernel": kernel, "error": str(error)}
    difference = float(np.abs(results[0] - results[1]).max() / np.abs(results[1]).max())
    return {"ok": difference < tolerance, "kernel": kernel, "largest_difference": difference}
