"""`fastcnn doctor`: what is installed, what the machine can do, whether the kernels are right."""

import os
from typing import Any

import numpy as np

from fastcnn.commands.versions import isa_in_use, isas_available, versions
from fastcnn.data.download import cache_dir
from fastcnn.data.load import SOURCES
from fastcnn.data.source import DATA_DIR_VARIABLE, data_dirs
from fastcnn.errors import DataError, FastcnnError
from fastcnn.kernels import call
from fastcnn.kernels.backends import (
    available_backends,
    has_numba,
    kernel_names,
    resolve_backend,
)
from fastcnn.kernels.spec import OPS
from fastcnn.kernels.threads import default_threads, effective_cores, has_openmp


def doctor(data_dir: str | None = None) -> dict[str, Any]:
    """Everything as one document; `ok` tells whether kernels are complete and right."""
    data_dirs(data_dir)  # a folder that does not exist is an error, not a missing data set
    backend = resolve_backend()
    kernels, check = kernels_of(backend), self_check(backend)
    return {
        "ok": not kernels["missing"] and check["ok"],
        "versions": versions(),
        "backend": backend,
        "backends": available_backends(),
        "isa": isa_in_use(),
        "isas": isas_available(),
        "threads": default_threads(),
        "cores": effective_cores(),
        "openmp": has_openmp(),
        "kernels": kernels,
        "numba_cache": numba_cache(),
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


def kernels_of(backend: str) -> dict[str, Any]:
    """How many kernels of the table the maker has, and which it lacks."""
    own = {name for name, op in OPS.items() if op.python is None and op.made_by(backend)}
    missing = sorted(own - kernel_names(backend))
    return {"compiled": len(own) - len(missing), "missing": missing}


def numba_cache() -> str | None:
    """Where Numba's compiled kernels are kept; None: nowhere, or there is no Numba."""
    if not has_numba():
        return None
    from fastcnn.kernels.numba_.compiled import cache_dir as compiled_dir

    folder = compiled_dir()
    return None if folder is None else str(folder)


def self_check(backend: str) -> dict[str, Any]:
    """A convolution by this maker's kernel, with all threads, against the NumPy reference."""
    kernel, tolerance = "conv2d_forward", 1e-4
    random = np.random.default_rng(0)
    x = random.standard_normal((2, 3, 9, 7, 16), np.float32)
    w = random.standard_normal((5, 3, 3, 3), np.float32)
    results = []
    try:
        for maker in (backend, "reference"):
            y = np.zeros((2, 5, 7, 5, 16), np.float32)
            call(kernel, {"x": x, "w": w, "y": y}, maker, default_threads())
            results.append(y)
    except FastcnnError as error:
        return {"ok": False, "kernel": kernel, "error": str(error)}
    difference = float(np.abs(results[0] - results[1]).max() / np.abs(results[1]).max())
    return {"ok": difference < tolerance, "kernel": kernel, "largest_difference": difference}
