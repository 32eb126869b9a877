"""Every maker's kernels against the reference, and gradients against central differences."""

from collections.abc import Callable
from functools import cache

import numpy as np

from fastcnn.kernels import new_program
from fastcnn.kernels.backends import has_numba, kernel_names
from fastcnn.kernels.native import isas
from fastcnn.kernels.spec import OPS
from tests.kernels.sums import absolute_terms


def run(name, arrays, backend, threads=1, isa=None, **params):
    """Run one kernel on copies of the arrays and return its outputs by name."""
    op = OPS[name]
    own = {k: own_copy(v) if v is not None and op.is_output(k) else v for k, v in arrays.items()}
    program = new_program(backend, isa) if backend == "native" else new_program(backend)
    program.add(name, own, **params)
    program.run(threads=threads)
    for tensor, value in own.items():
        if value is not None and op.is_output(tensor):
            assert_only_the_view_is_written(arrays[tensor], value, f"{name} {tensor} {backend}")
    return {k: v for k, v in own.items() if v is not None and op.is_output(k)}


def own_copy(array):
    """A copy with the same strides: a view into a copy of its base, so that halos stay halos."""
    if not isinstance(array.base, np.ndarray):
        return array.copy()
    base = array.base.copy()
    offset = array.ctypes.data - array.base.ctypes.data
    return np.ndarray(array.shape, array.dtype, base, offset, array.strides)


def assert_only_the_view_is_written(before, after, what):
    """Around a view lie halos, which must stay as they were."""
    if not isinstance(before.base, np.ndarray) or not isinstance(after.base, np.ndarray):
        return
    with_values = own_copy(before)
    with_values[...] = after
    same = np.array_equal(with_values.base, after.base, equal_nan=before.dtype.kind == "f")
    assert same, f"{what}: written outside of the view"


def as_float64(arrays):
    with np.errstate(invalid="ignore"):  # outputs may hold anything before the call
        return {
            k: v.astype(np.float64) if v is not None and v.dtype == np.float32 else v
            for k, v in arrays.items()
        }


@cache
def numba_kernels():
    """Names of Numba's kernels; none where Numba is not installed."""
    return kernel_names("numba") if has_numba() else set()


def makers(name):
    """(backend, instruction set) of all that have the kernel, beside the reference."""
    native = [("native", isa) for isa in isas()]
    return [*native, ("numba", None)] if name in numba_kernels() else native


def by_reference(name, arrays, **params):
    return run(name, arrays, "reference", **params)


def assert_close(found, want, tolerance, what, terms=0.0):
    """tolerance: of the largest number or 1, and where that is more of the sum of absolute terms.

    terms: these sums, for each number; see sums.py.
    """
    scale = np.maximum(max(1.0, float(np.abs(want).max(initial=0))), terms)
    same = np.isclose(found, want, rtol=0, atol=tolerance * scale, equal_nan=True)
    if not same.all():
        where = tuple(int(k) for k in np.argwhere(~same)[0])
        count = f"{int((~same).sum())} of {same.size}"
        raise AssertionError(
            f"{what}: {count} differ, {list(where)} is {found[where]!r}, not {want[where]!r}"
        )


def assert_native_matches_reference(name, arrays, **params):
    """Every maker: close to the float64 reference, the same bits with 1, 2 or 3 threads."""
    op = OPS[name]
    exact = as_float64(arrays)
    expected = run(name, exact, "reference", **params)
    terms = absolute_terms(by_reference, name, exact, params)
    for backend, isa in makers(name):
        what = f"{name} of {backend} {isa or ''} {params}"
        one = run(name, arrays, backend, 1, isa, **params)
        for out, want in expected.items():
            assert_close(one[out], want, op.rtol, f"{out}: {what}", terms.get(out, 0.0))
        for threads in (2, 3):
            many = run(name, arrays, backend, threads, isa, **params)
            for out in expected:
                same = np.array_equal(one[out], many[out])
                assert same, f"{out}: {what}: {threads} threads differ"


def central_differences(function: Callable[[np.ndarray], float], x: np.ndarray, h: float = 1e-5):
    """d function / d x, one element at a time, in float64."""
    gradient = np.zeros_like(x)
    for k in np.ndindex(x.shape):
        old = x[k]
        x[k] = old + h
        above = function(x)
        x[k] = old - h
        below = function(x)
        x[k] = old
        gradient[k] = (above - below) / (2 * h)
    return gradient
