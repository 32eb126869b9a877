"""For authors of plugins: kernels in Python, by NumPy or compiled by Numba.

`kernel` enters a function into the table of kernels. It is a step of a plan like any other then, on
every backend. Shapes are written as in kernels/spec/op.py:

    from fastcnn.kernels.kit import each_vector, helper, kernel, select

    @kernel({"x": "B C H W L", "y": "> B C H W L"}, {"slope": 0.1}, maker="numpy")
    def my_relu_numpy(x, y, *, slope):
        y[...] = np.where(x > 0, x, slope * x)

    @each_vector
    @helper
    def leak(x, constants):
        return select(x > 0.0, x, x * constants[0])

    @kernel({"x": "B C H W L", "y": "> B C H W L"}, {"slope": 0.1})
    def my_relu(work, x, y, slope):
        leak(work, x, y, (slope,))

A Numba kernel is called once for each share of the work, by as many threads as the plan runs on,
and without the GIL. Its first argument says which share: `split(n, work)` gives the part
[begin, end) of n items. What a share writes no other one may read or write, and the order of a sum
must not depend on the number of shares: then results have the same bits on any number of threads.
Then come the tensors and the parameters, in the order of the table; a tensor that is absent has no
elements.

What there is for Numba kernels, beside what Numba knows:
    helper          decorator of functions that kernels call
    scratch         decorator of kernels that need float32 memory of their own: work.scratch
    split, split_rows, row_at, ceil_div     who does what, and where it lies
    each_vector, each_pair                  loops over all rows: y = rule(x), y = rule(x, z)
    pointer, load, load_n, store, store_n   vectors of VW numbers: `load(pointer(x, b, c, h) + i)`
    zeros, splat, like, select, fma, lane_sum   vectors have +, -, *, /, <, ... as well
    maximum, minimum, sqrt, fabs, exp, expm1, log, log1p, sigmoid, tanh
"""

from collections.abc import Callable, Mapping
from functools import update_wrapper
from importlib import import_module
from typing import Any

from fastcnn.errors import BackendError, OptionError
from fastcnn.kernels.backends import INSTALL, has_numba
from fastcnn.kernels.spec import Op, register_kernel

__all__ = ["NumbaKernel", "kernel"]  # and the names of HELPERS, which need numba

HELPERS = {
    "helper": ("helper", "scratch"),
    "share": ("ceil_div", "split"),
    "rows": ("each_pair", "each_vector", "load_n", "row_at", "split_rows", "store_n"),
    "vecmath": ("maximum", "minimum"),
    "emit": ("VW",),
    "vector": (
        "fabs",
        "fma",
        "lane_sum",
        "like",
        "load",
        "pointer",
        "select",
        "splat",
        "sqrt",
        "store",
        "zeros",
    ),
    "wide_math": ("exp", "expm1", "log", "log1p", "sigmoid", "tanh"),
}


def __getattr__(name: str) -> Any:
    """Names from kernels/numba_, imported when first asked for, since numba takes half a second."""
    for module, names in HELPERS.items():
        if name in names:
            if not has_numba():
                raise BackendError(f"fastcnn.kernels.kit.{name} needs numba: {INSTALL}")
            return getattr(import_module(f"fastcnn.kernels.numba_.{module}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


class NumbaKernel:
    """A function that Numba compiles when a plan first needs it. Called from Python: one thread."""

    def __init__(self, function: Callable) -> None:
        update_wrapper(self, function)
        self.function = function

    def __call__(self, **arguments: Any) -> None:
        from fastcnn.kernels.program import call

        op = self.op
        arrays = {name: arguments.pop(name, None) for name in op.tensors}
        call(op.name, arrays, "numba", **arguments)

    op: Op  # set by `kernel`


def kernel(
    tensors: Mapping[str, str],
    params: Mapping[str, Any] | None = None,
    *,
    maker: str = "numba",
    name: str | None = None,
    rtol: float = 1e-5,
    strided: tuple[str, ...] = (),
    check: Callable[[str, dict, dict], None] | None = None,
) -> Callable[[Callable], Callable]:
    """Decorator that enters a function into the table of kernels, under its own name or `name`.

    tensors: {name: shape}, marked with `>` (written) and `?` (may be absent).
    params: {name: default}; a float's default is a float, else whole numbers are passed.
    maker: "numba": function(work, tensors, parameters), of float32 arrays, or float64 where all
        are; "numpy": function(tensors, *, parameters), of any arrays, None for absent ones.
    rtol, strided, check: as in kernels.spec.Op.
    """
    if maker not in ("numba", "numpy"):
        raise OptionError(f"a kernel's maker is 'numba' or 'numpy', not {maker!r}")

    def enter(function: Callable) -> Callable:
        made: Any = NumbaKernel(function) if maker == "numba" else function
        options = {"rtol": rtol, "strided": strided, "check": check, "python": made}
        op = Op(name or function.__name__, tensors, params or {}, **options)
        if isinstance(made, NumbaKernel):
            made.op = op
        register_kernel(op)
        return made

    return enter
