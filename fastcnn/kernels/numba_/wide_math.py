"""exp, log, tanh, ... of vectors of float32 and float64, for kernels of plugins.

float32: the vector functions of vecmath.py. float64, in which gradients are checked: the C library,
element by element.
"""

from collections.abc import Callable
from typing import Any

from llvmlite import ir
from numba.core import types
from numba.core.typing.templates import signature
from numba.extending import intrinsic, overload

from fastcnn.kernels.numba_ import vecmath
from fastcnn.kernels.numba_.emit import Vector, emit_call

__all__ = ["exp", "expm1", "log", "log1p", "sigmoid", "tanh"]


def by_element(name: str) -> Any:
    """Intrinsic that calls the C library's function for each element of a float64 vector."""

    @intrinsic
    def apply(typingctx, v):
        def codegen(context, builder, sig, args):
            result = args[0]
            for k in range(v.size):
                place = ir.Constant(ir.IntType(32), k)
                number = builder.extract_element(args[0], place)
                made = emit_call(builder, name, ir.DoubleType(), [number])
                result = builder.insert_element(result, made, place)
            return result

        return signature(v, v), codegen

    return apply


def of_both(name: str, single: Callable, double: Callable) -> Any:
    """A function for kernels: `single` of float32 vectors, `double` of float64 ones."""

    def function(v):
        raise TypeError(f"{name} of vectors is for kernels compiled by Numba")

    @overload(function)
    def choose(v):
        if not isinstance(v, Vector) or not v.floating:
            return None
        chosen = single if v.dtype == types.float32 else double
        return lambda v: chosen(v)

    return function


exp = of_both("exp", vecmath.exp, by_element("exp"))
expm1 = of_both("expm1", vecmath.expm1, by_element("expm1"))
log = of_both("log", vecmath.log, by_element("log"))
log1p = of_both("log1p", vecmath.log1p, by_element("log1p"))
tanh = of_both("tanh", vecmath.tanh, by_element("tanh"))
_exp = by_element("exp")
sigmoid = of_both("sigmoid", vecmath.sigmoid, vecmath.helper(lambda v: 1.0 / (_exp(-v) + 1.0)))
