"""Python's operators of vectors and pointers in Numba functions; importing this registers them."""

import operator
from functools import partial
from typing import Any

from numba.core import types
from numba.core.imputils import lower_builtin, lower_cast
from numba.core.typing.templates import AbstractTemplate, infer_global, signature

from fastcnn.kernels.numba_.emit import Pointer, Vector, emit_at, emit_splat


def _number(kind: Any) -> bool:
    return isinstance(kind, types.Number | types.Boolean)


def _arguments(context: Any, builder: Any, sig: Any, args: Any) -> Any:
    """Both as vectors of the result's operand type, scalars spread."""
    vector = next(kind for kind in sig.args if isinstance(kind, Vector))
    for kind, value in zip(sig.args, args, strict=True):
        if isinstance(kind, Vector):
            yield value
        else:
            yield emit_splat(builder, context.cast(builder, value, kind, vector.dtype), vector.size)


FLOAT = {"+": "fadd", "-": "fsub", "*": "fmul", "/": "fdiv"}
WHOLE = {"+": "add", "-": "sub", "*": "mul", "&": "and_", "|": "or_", "^": "xor", "<<": "shl"}
OPERATORS = {
    operator.add: "+",
    operator.sub: "-",
    operator.mul: "*",
    operator.truediv: "/",
    operator.and_: "&",
    operator.or_: "|",
    operator.xor: "^",
    operator.lshift: "<<",
    operator.rshift: ">>",
}
COMPARISONS = {
    operator.lt: "<",
    operator.le: "<=",
    operator.gt: ">",
    operator.ge: ">=",
    operator.eq: "==",
    operator.ne: "!=",
}


def _binary(sign: str, context: Any, builder: Any, sig: Any, args: Any) -> Any:
    a, b = _arguments(context, builder, sig, args)
    result = sig.return_type
    if result.floating:
        return getattr(builder, FLOAT[sign])(a, b)
    if sign == ">>":
        return builder.ashr(a, b) if result.signed else builder.lshr(a, b)
    return getattr(builder, WHOLE[sign])(a, b)


def _comparison(sign: str, context: Any, builder: Any, sig: Any, args: Any) -> Any:
    a, b = _arguments(context, builder, sig, args)
    vector = next(kind for kind in sig.args if isinstance(kind, Vector))
    if vector.floating:
        compare = builder.fcmp_unordered if sign == "!=" else builder.fcmp_ordered
        return compare(sign, a, b)
    return (builder.icmp_signed if vector.signed else builder.icmp_unsigned)(sign, a, b)


def _operands(args: Any) -> Vector | None:
    """The vector among two operands that fit each other."""
    if len(args) != 2:
        return None
    a, b = args
    if isinstance(a, Vector) and (a == b or _number(b)):
        return a
    return b if isinstance(b, Vector) and _number(a) else None


def _register(function: Any, sign: str, lower: Any, result: Any) -> None:
    class Template(AbstractTemplate):
        def generic(self, args: Any, kws: Any) -> Any:
            vector = _operands(args)
            return vector and signature(result(vector), *args)

    infer_global(function)(Template)
    for kinds in ((Vector, Vector), (Vector, types.Any), (types.Any, Vector)):
        lower_builtin(function, *kinds)(partial(lower, sign))


for _function, _sign in OPERATORS.items():
    _register(_function, _sign, _binary, lambda vector: vector)
for _function, _sign in COMPARISONS.items():
    _register(_function, _sign, _comparison, lambda vector: vector.mask())


@infer_global(operator.neg)
class Negative(AbstractTemplate):
    def generic(self, args: Any, kws: Any) -> Any:
        (value,) = args
        return signature(value, value) if isinstance(value, Vector) and value.floating else None


@lower_builtin(operator.neg, Vector)
def _negative(context: Any, builder: Any, sig: Any, args: Any) -> Any:
    return builder.fneg(args[0])


# ---- pointers


@infer_global(operator.add)
class Advance(AbstractTemplate):
    def generic(self, args: Any, kws: Any) -> Any:
        if len(args) == 2 and isinstance(args[0], Pointer) and isinstance(args[1], types.Integer):
            return signature(args[0], args[0], types.int64)
        return None


@lower_builtin(operator.add, Pointer, types.Integer)
def _advance(context: Any, builder: Any, sig: Any, args: Any) -> Any:
    return emit_at(builder, *args)


@infer_global(operator.getitem)
class Element(AbstractTemplate):
    def generic(self, args: Any, kws: Any) -> Any:
        if isinstance(args[0], Pointer) and isinstance(args[1], types.Integer):
            return signature(args[0].dtype, args[0], types.int64)
        return None


@lower_builtin(operator.getitem, Pointer, types.Integer)
def _element(context: Any, builder: Any, sig: Any, args: Any) -> Any:
    return builder.load(emit_at(builder, *args))


@infer_global(operator.setitem)
class SetElement(AbstractTemplate):
    def generic(self, args: Any, kws: Any) -> Any:
        if isinstance(args[0], Pointer) and isinstance(args[1], types.Integer):
            return signature(types.none, args[0], types.int64, args[0].dtype)
        return None


@lower_builtin(operator.setitem, Pointer, types.Integer, types.Any)
def _set_element(context: Any, builder: Any, sig: Any, args: Any) -> Any:
    pointer, place, value = args
    builder.store(value, emit_at(builder, pointer, place))
    return context.get_dummy_value()


@lower_cast(Pointer, Pointer)
def _same_pointer(context: Any, builder: Any, fromty: Any, toty: Any, value: Any) -> Any:
    return value
