"""Which maker of the kernels is used: the one asked for, else FASTCNN_BACKEND, else native."""

import os
from functools import cache
from importlib.util import find_spec

from fastcnn.errors import BackendError, OptionError, unknown
from fastcnn.text import say

BACKENDS = ("native", "numba", "reference")
VARIABLE = "FASTCNN_BACKEND"
WINOGRAD = "FASTCNN_WINOGRAD"
PRECISIONS = ("float32", "bf16")
PRECISION = "FASTCNN_PRECISION"
INSTALL = "pip install 'fastcnn[numba]'"


def has_native() -> bool:
    """Whether there was a C compiler when the package was built."""
    return find_spec("fastcnn._kernels") is not None


def has_numba() -> bool:
    return find_spec("numba") is not None


def available_backends() -> list[str]:
    has = {"native": has_native(), "numba": has_numba()}
    return [name for name in BACKENDS if has.get(name, True)]


def kernel_names(backend: str) -> set[str]:
    """The kernels that a maker has."""
    if backend == "native":
        from fastcnn.kernels.native import isa_index, signatures

        return set(signatures(isa_index()))
    if backend == "numba":
        from fastcnn.kernels.numba_.program import functions as numba_functions

        return set(numba_functions())
    from fastcnn.kernels.reference import functions

    return set(functions())


def resolve_backend(backend: str | None = None) -> str:
    """The name of a maker that this installation has.

    Without compiled kernels Numba's serve, which is said once on stderr, unless native was asked
    for.
    """
    wanted = backend or os.environ.get(VARIABLE) or None
    if wanted is None:
        return "native" if has_native() else _fall_back()
    if wanted not in BACKENDS:
        where = "backend" if backend else f"backend in {VARIABLE}"
        raise unknown(where, wanted, BACKENDS)
    if wanted == "native" and not has_native():
        raise BackendError(
            "this installation has no compiled kernels: install fastcnn again where there is a C "
            f"compiler, or use the numba backend ({INSTALL})"
        )
    if wanted == "numba" and not has_numba():
        raise BackendError(f"the numba backend needs numba: {INSTALL}")
    return wanted


def resolve_winograd(winograd: bool | None = None) -> bool:
    """Whether Winograd's convolution may be chosen: as asked for, else by FASTCNN_WINOGRAD."""
    return os.environ.get(WINOGRAD) != "0" if winograd is None else bool(winograd)


def resolve_precision(precision: str | None, backend: str, dtype: str = "float32") -> str:
    """Of the factors in convolutions and dense layers: as asked for, else by FASTCNN_PRECISION."""
    wanted = precision or os.environ.get(PRECISION) or PRECISIONS[0]
    if wanted not in PRECISIONS:
        where = "precision" if precision else f"precision in {PRECISION}"
        raise unknown(where, wanted, PRECISIONS)
    if wanted == "bf16" and backend == "numba":
        raise BackendError("the numba backend has no kernels for precision 'bf16'; native has")
    if wanted == "bf16" and dtype != "float32":
        raise OptionError(f"precision 'bf16' is one of float32 models, not of {dtype}")
    return wanted


@cache
def _fall_back() -> str:
    if not has_numba():
        raise BackendError(
            "this installation has no compiled kernels, and no numba to do without: "
            f"{INSTALL}, or install fastcnn again where there is a C compiler"
        )
    say("fastcnn: no compiled kernels in this installation; using Numba's", err=True)
    return "numba"
