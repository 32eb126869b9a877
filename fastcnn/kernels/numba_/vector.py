"""Vectors and pointers inside Numba functions: LLVM's `<n x float>` with the operators of Python.

A `Vector` is a value in a register, `VW` numbers of one type (the width of this CPU's registers for
float32), or a mask of as many truth values, which comparisons give. A `Pointer` is the address of
an element of an array: `p + n` is n elements further, `p[n]` is that element.

LLVM makes no tiles of registers from plain loops over arrays; with values of this type it can't
help it. Nothing here reorders a sum.
"""

import operator
from functools import partial
from typing import Any

import llvmlite.binding as llvm
from llvmlite import ir
from numba.core import cgutils, types
from numba.core.imputils import lower_builtin, lower_cast
from numba.core.typing.templates import AbstractTemplate, infer_global, signature
from numba.extending import intrinsic, models, register_model

FEATURES = llvm.get_host_cpu_features()
VW = 16 if FEATURES.get("avx512f") else 8 if FEATURES.get("avx2") else 4
MANY_REGISTERS = VW == 16 or FEATURES.get("neon", False)  # 32 of them, not 16
HAS_FMA = bool(FEATURES.get("fma") or FEATURES.get("neon"))


class Vector(types.Type):
    """`size` numbers of `dtype`, or truth values."""

    def __init__(self, dtype: types.Type, size: int) -> None:
        self.dtype, self.size = dtype, size
        super().__init__(name=f"Vector({dtype}, {size})")

    @property
    def floating(self) -> bool:
        return isinstance(self.dtype, types.Float)

    @property
    def signed(self) -> bool:
        return isinstance(self.dtype, types.Integer) and self.dtype.signed

    def mask(self) -> "Vector":
        return Vector(types.boolean, self.size)


class Pointer(types.Type):
    """Address of an element of an array."""

    def __init__(self, dtype: types.Type) -> None:
        self.dtype = dtype
        super().__init__(name=f"Pointer({dtype})")


@register_model(Vector)
class VectorModel(models.PrimitiveModel):
    def __init__(self, dmm: Any, fe_type: Vector) -> None:
        super().__init__(dmm, fe_type, ir.VectorType(element(fe_type.dtype), fe_type.size))


@register_model(Pointer)
class PointerModel(models.PrimitiveModel):
    def __init__(self, dmm: Any, fe_type: Pointer) -> None:
        super().__init__(dmm, fe_type, element(fe_type.dtype).as_pointer())


def element(dtype: types.Type) -> ir.Type:
    """LLVM's type of an element."""
    if isinstance(dtype, types.Boolean):
        return ir.IntType(1)
    if isinstance(dtype, types.Float):
        return ir.FloatType() if dtype.bitwidth == 32 else ir.DoubleType()
    return ir.IntType(dtype.bitwidth)


# ---- building LLVM code, for the intrinsics here and in tile.py


def emit_splat(builder: Any, value: Any, size: int) -> Any:
    """All elements are `value`."""
    empty = ir.Constant(ir.VectorType(value.type, size), ir.Undefined)
    first = builder.insert_element(empty, value, ir.Constant(ir.IntType(32), 0))
    return emit_shuffle(builder, first, empty, [0] * size)


def emit_shuffle(builder: Any, a: Any, b: Any, places: list[int]) -> Any:
    """Elements of a and, from len(a) on, of b."""
    index = ir.Constant(ir.VectorType(ir.IntType(32), len(places)), places)
    return builder.shuffle_vector(a, b, index)


def emit_constant(vector: ir.VectorType, value: float) -> Any:
    return ir.Constant(vector, [ir.Constant(vector.element, value)] * vector.count)


def emit_at(builder: Any, pointer: Any, offset: Any) -> Any:
    """Address `offset` elements further."""
    return builder.gep(pointer, [offset])


def emit_load(builder: Any, pointer: Any, size: int) -> Any:
    """Rows need no more than the alignment of an element."""
    wide = pointer.type.pointee
    vector = ir.VectorType(wide, size)
    return builder.load(builder.bitcast(pointer, vector.as_pointer()), align=_bytes(wide))


def emit_store(builder: Any, value: Any, pointer: Any) -> None:
    wide = builder.bitcast(pointer, value.type.as_pointer())
    builder.store(value, wide, align=_bytes(value.type.element))


def _bytes(kind: ir.Type) -> int:
    return {ir.FloatType(): 4, ir.DoubleType(): 8}.get(kind) or kind.width // 8


def emit_fma(builder: Any, a: Any, b: Any, c: Any) -> Any:
    """a b + c, rounded once where the CPU can."""
    if HAS_FMA:
        return emit_call(builder, f"llvm.fma.{_suffix(a.type)}", a.type, [a, b, c])
    return builder.fadd(builder.fmul(a, b), c)


def emit_first(builder: Any, count: Any, size: int) -> Any:
    """Mask of the first `count` elements."""
    numbers = ir.Constant(ir.VectorType(count.type, size), list(range(size)))
    return builder.icmp_signed("<", numbers, emit_splat(builder, count, size))


def emit_call(builder: Any, name: str, result: ir.Type, arguments: list[Any]) -> Any:
    """Call of an LLVM intrinsic or of a function of the process."""
    kind = ir.FunctionType(result, [a.type for a in arguments])
    return builder.call(cgutils.get_or_insert_function(builder.module, kind, name), arguments)


def emit_lane_sum(builder: Any, value: Any) -> Any:
    """Sum of the elements, halves first: (v[0] + v[n/2]) + ..."""
    size = value.type.count
    while size > 1:
        size //= 2
        low, high = (list(range(k * size, (k + 1) * size)) for k in (0, 1))
        a, b = (emit_shuffle(builder, value, value, half) for half in (low, high))
        value = builder.fadd(a, b)
    return builder.extract_element(value, ir.Constant(ir.IntType(32), 0))


def emit_lane_sums(builder: Any, values: list[Any]) -> Any:
    """A vector of the sums of the elements of up to VW vectors, each made as by emit_lane_sum.

    Each round adds the halves of all parts of two vectors, and puts the results into one."""
    zero = ir.Constant(values[0].type, None)
    values, part = values + [zero] * (VW - len(values)), VW
    while part > 1:
        half = part // 2
        low = [k for k in range(2 * VW) if k % part < half]
        high = [k + half for k in low]
        pairs = zip(values[::2], values[1::2], strict=True)
        values = [
            builder.fadd(emit_shuffle(builder, a, b, low), emit_shuffle(builder, a, b, high))
            for a, b in pairs
        ]
        part = half
    return values[0]


# ---- operators


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


@intrinsic
def pointer(typingctx, array, *place):
    """Address of an element of an array, `pointer(x, b, c)` is that of x[b, c, 0, ...]."""
    if not isinstance(array, types.Array):
        return None
    kinds = place[0] if len(place) == 1 and isinstance(place[0], types.BaseTuple) else place

    def codegen(context, builder, sig, args):
        struct = context.make_array(array)(context, builder, args[0])
        steps = cgutils.unpack_tuple(builder, struct.strides, array.ndim)
        address = builder.ptrtoint(struct.data, ir.IntType(64))
        indices = cgutils.unpack_tuple(builder, args[1], len(kinds)) if len(kinds) else []
        for kind, index, step in zip(kinds, indices, steps, strict=False):
            index = context.cast(builder, index, kind, types.int64)
            address = builder.add(address, builder.mul(index, step))
        return builder.inttoptr(address, struct.data.type)

    return signature(Pointer(array.dtype), array, types.StarArgTuple.from_types(kinds)), codegen


# ---- loads, stores, and what has no operator


@intrinsic
def load(typingctx, p):
    """The VW elements from p on."""
    if not isinstance(p, Pointer):
        return None

    def codegen(context, builder, sig, args):
        return emit_load(builder, args[0], VW)

    return signature(Vector(p.dtype, VW), p), codegen


@intrinsic
def load_part(typingctx, p, n):
    """The first n of the VW elements from p on; the others are zero and not touched."""
    if not isinstance(p, Pointer):
        return None

    def codegen(context, builder, sig, args):
        zero = ir.Constant(ir.VectorType(args[0].type.pointee, VW), None)
        mask = emit_first(builder, args[1], VW)
        return emit_masked_load(builder, args[0], mask, zero)

    return signature(Vector(p.dtype, VW), p, types.int64), codegen


def emit_masked_load(builder: Any, pointer: Any, mask: Any, other: Any) -> Any:
    wide = other.type
    address = builder.bitcast(pointer, wide.as_pointer())
    align = ir.Constant(ir.IntType(32), _bytes(wide.element))
    name = f"llvm.masked.load.{_suffix(wide)}.p0"
    return emit_call(builder, name, wide, [address, align, mask, other])


def emit_masked_store(builder: Any, value: Any, pointer: Any, mask: Any) -> None:
    wide = value.type
    address = builder.bitcast(pointer, wide.as_pointer())
    align = ir.Constant(ir.IntType(32), _bytes(wide.element))
    name = f"llvm.masked.store.{_suffix(wide)}.p0"
    emit_call(builder, name, ir.VoidType(), [value, address, align, mask])


def _suffix(vector: ir.VectorType) -> str:
    kind = {ir.FloatType(): "f32", ir.DoubleType(): "f64"}.get(vector.element)
    return f"v{vector.count}{kind or vector.element.intrinsic_name}"


@intrinsic
def store(typingctx, p, v):
    """Write the elements of v from p on."""
    if not isinstance(p, Pointer) or v != Vector(p.dtype, VW):
        return None

    def codegen(context, builder, sig, args):
        emit_store(builder, args[1], args[0])
        return context.get_dummy_value()

    return signature(types.none, p, v), codegen


@intrinsic
def store_part(typingctx, p, v, n):
    """Write the first n elements of v from p on."""
    if not isinstance(p, Pointer) or v != Vector(p.dtype, VW):
        return None

    def codegen(context, builder, sig, args):
        emit_masked_store(builder, args[1], args[0], emit_first(builder, args[2], VW))
        return context.get_dummy_value()

    return signature(types.none, p, v, types.int64), codegen


@intrinsic
def splat(typingctx, value):
    """A vector of VW times the same float32, int32, ... (a Python float counts as float32)."""
    dtype = {types.float64: types.float32, types.int64: types.int32}.get(
        types.unliteral(value), types.unliteral(value)
    )

    def codegen(context, builder, sig, args):
        return emit_splat(builder, context.cast(builder, args[0], sig.args[0], dtype), VW)

    return signature(Vector(dtype, VW), types.unliteral(value)), codegen


@intrinsic
def zeros(typingctx, p):
    """A vector of zeros, of the type of what p points to."""
    if not isinstance(p, Pointer):
        return None
    result = Vector(p.dtype, VW)

    def codegen(context, builder, sig, args):
        return ir.Constant(context.get_value_type(result), None)

    return signature(result, p), codegen


@intrinsic
def like(typingctx, vector, value):
    """A vector of the type of `vector` with `value` everywhere."""

    def codegen(context, builder, sig, args):
        value = context.cast(builder, args[1], sig.args[1], vector.dtype)
        return emit_splat(builder, value, vector.size)

    return signature(vector, vector, types.unliteral(value)), codegen


@intrinsic
def select(typingctx, mask, a, b):
    """a where the mask holds, else b."""
    if not isinstance(mask, Vector) or not isinstance(a, Vector) or a != b:
        return None

    def codegen(context, builder, sig, args):
        return builder.select(*args)

    return signature(a, mask, a, b), codegen


@intrinsic
def fma(typingctx, a, b, c):
    """a b + c, rounded once where the CPU can."""

    def codegen(context, builder, sig, args):
        return emit_fma(builder, *args)

    return signature(a, a, a, a), codegen


@intrinsic
def first(typingctx, n):
    """Mask of the first n elements."""

    def codegen(context, builder, sig, args):
        return emit_first(builder, args[0], VW)

    return signature(Vector(types.boolean, VW), types.int64), codegen


@intrinsic
def lane_numbers(typingctx):
    """0, 1, 2, ... (int32)"""

    def codegen(context, builder, sig, args):
        return ir.Constant(ir.VectorType(ir.IntType(32), VW), list(range(VW)))

    return signature(Vector(types.int32, VW)), codegen


@intrinsic
def lane_sum(typingctx, v):
    """The sum of the elements, in an order that is always the same."""

    def codegen(context, builder, sig, args):
        return emit_lane_sum(builder, args[0])

    return signature(v.dtype, v), codegen


@intrinsic
def mask_bits(typingctx, mask):
    """The mask as a whole number, bit i for element i."""

    def codegen(context, builder, sig, args):
        bits = builder.bitcast(args[0], ir.IntType(mask.size))
        return builder.zext(bits, ir.IntType(64))

    return signature(types.int64, mask), codegen


@intrinsic
def bits_mask(typingctx, bits):
    """Mask whose element i is bit i of a whole number."""

    def codegen(context, builder, sig, args):
        narrow = builder.trunc(args[0], ir.IntType(VW))
        return builder.bitcast(narrow, ir.VectorType(ir.IntType(1), VW))

    return signature(Vector(types.boolean, VW), types.int64), codegen


def _conversion(kind: Any, target: types.Type, name: Any) -> Any:
    result = Vector(target, kind.size)

    def codegen(context, builder, sig, args):
        return getattr(builder, name)(args[0], context.get_value_type(result))

    return signature(result, kind), codegen


@intrinsic
def to_int(typingctx, v):
    """float32 cut off to int32, or bytes widened to int32."""
    return _conversion(v, types.int32, "fptosi" if v.floating else "zext")


@intrinsic
def to_float(typingctx, v):
    """Whole numbers as float32."""
    return _conversion(v, types.float32, "sitofp" if v.signed else "uitofp")


@intrinsic
def to_bytes(typingctx, v):
    """The lowest byte of each element."""
    return _conversion(v, types.uint8, "trunc")


@intrinsic
def as_float(typingctx, v):
    """The bits of whole numbers as float32."""
    return _conversion(v, types.float32, "bitcast")


@intrinsic
def as_unsigned(typingctx, v):
    """The bits of int32 as uint32."""
    return _conversion(v, types.uint32, "bitcast")


@intrinsic
def as_int(typingctx, v):
    """The bits of float32 as int32."""
    return _conversion(v, types.int32, "bitcast")


@intrinsic
def sqrt(typingctx, v):
    """Square root, correctly rounded."""
    if not isinstance(v, Vector):
        return None

    def codegen(context, builder, sig, args):
        kind = args[0].type
        return emit_call(builder, f"llvm.sqrt.{_suffix(kind)}", kind, [args[0]])

    return signature(v, v), codegen


@intrinsic
def fabs(typingctx, v):
    """Absolute value."""
    if not isinstance(v, Vector):
        return None

    def codegen(context, builder, sig, args):
        kind = args[0].type
        return emit_call(builder, f"llvm.fabs.{_suffix(kind)}", kind, [args[0]])

    return signature(v, v), codegen


@intrinsic
def multiply_wide(typingctx, a, b):
    """(high, low) halves of the 64-bit products of uint32 vectors."""

    def codegen(context, builder, sig, args):
        wide = ir.VectorType(ir.IntType(64), a.size)
        product = builder.mul(*(builder.zext(v, wide) for v in args))
        high = builder.trunc(builder.lshr(product, emit_constant(wide, 32)), args[0].type)
        low = builder.trunc(product, args[0].type)
        return context.make_tuple(builder, sig.return_type, [high, low])

    return signature(types.UniTuple(a, 2), a, a), codegen


@intrinsic
def prefetch(typingctx, p):
    """Ask for the cache line of p."""

    def codegen(context, builder, sig, args):
        address = builder.bitcast(args[0], ir.IntType(8).as_pointer())
        flags = [ir.Constant(ir.IntType(32), n) for n in (0, 3, 1)]  # read, keep, data
        emit_call(builder, "llvm.prefetch.p0", ir.VoidType(), [address, *flags])
        return context.get_dummy_value()

    return signature(types.none, p), codegen
