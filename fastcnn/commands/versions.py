"""What ran: versions, instruction set, threads."""

import platform
from importlib.metadata import version

import numpy as np

from fastcnn import __version__
from fastcnn.kernels.backends import has_native, has_numba


def versions() -> dict[str, str]:
    numba = {"numba": version("numba")} if has_numba() else {}
    return {
        "fastcnn": __version__,
        "numpy": np.__version__,
        **numba,
        "python": platform.python_version(),
        "platform": platform.platform(),
    }


def isas_available() -> list[str]:
    """Of the compiled kernels, those that this CPU can run, best first."""
    if not has_native():
        return []
    from fastcnn.kernels.native import isas

    return isas()


def isa_in_use() -> str | None:
    """Of the compiled kernels, if there are any."""
    if not has_native():
        return None
    from fastcnn.kernels.native import isa_index

    return isas_available()[isa_index()]


def maker_in_use(backend: str) -> str:
    """The backend, and the instruction set if it has one."""
    return f"{backend} ({isa_in_use()})" if backend == "native" else backend
