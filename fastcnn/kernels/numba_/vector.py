"""Vectors and pointers inside Numba functions: LLVM's `<n x float>` with the operators of Python.

A `Vector` is a value in a register, `VW` numbers of one type (the width of this CPU's registers for
float32), or a mask of as many truth values, which comparisons give. A `Pointer` is the address of
an element of an array: `p + n` is n elements further, `p[n]` is that element.

LLVM makes no tiles of registers from plain loops over arrays; with values of this type it can't
help it. Nothing here reorders a sum.
"""

from typing import Any

from llvmlite import ir
from numba.core import cgutils, types
from numba.core.typing.templates import signature
from numba.extending import intrinsic

from fastcnn.kernels.numba_ import operators  # noqa: F401, so that vectors have them
from fastcnn.kernels.numba_.emit import (
    VW,
    Pointer,
    Vector,
    emit_call,
    emit_constant,
    emit_first,
    emit_fma,
    emit_lane_sum,
    emit_load,
    emit_masked_load,
    emit_masked_store,
    emit_splat,
    emit_store,
    suffix,
)


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
        return emit_call(builder, f"llvm.sqrt.{suffix(kind)}", kind, [args[0]])

    return signature(v, v), codegen


@intrinsic
def fabs(typingctx, v):
    """Absolute value."""
    if not isinstance(v, Vector):
        return None

    def codegen(context, builder, sig, args):
        kind = args[0].type
        return emit_call(builder, f"llvm.fabs.{suffix(kind)}", kind, [args[0]])

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
