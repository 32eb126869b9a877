"""Types of vectors and pointers in Numba functions, and the LLVM code of what is done with them."""

from typing import Any

import llvmlite.binding as llvm
from llvmlite import ir
from numba.core import cgutils, types
from numba.extending import models, register_model

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


# ---- building LLVM code, for the intrinsics in vector.py and tile.py


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
    return builder.load(builder.bitcast(pointer, vector.as_pointer()), align=bytes_of(wide))


def emit_store(builder: Any, value: Any, pointer: Any) -> None:
    wide = builder.bitcast(pointer, value.type.as_pointer())
    builder.store(value, wide, align=bytes_of(value.type.element))


def bytes_of(kind: ir.Type) -> int:
    return {ir.FloatType(): 4, ir.DoubleType(): 8}.get(kind) or kind.width // 8


def emit_fma(builder: Any, a: Any, b: Any, c: Any) -> Any:
    """a b + c, rounded once where the CPU can."""
    if HAS_FMA:
        return emit_call(builder, f"llvm.fma.{suffix(a.type)}", a.type, [a, b, c])
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


def emit_masked_load(builder: Any, pointer: Any, mask: Any, other: Any) -> Any:
    wide = other.type
    address = builder.bitcast(pointer, wide.as_pointer())
    align = ir.Constant(ir.IntType(32), bytes_of(wide.element))
    name = f"llvm.masked.load.{suffix(wide)}.p0"
    return emit_call(builder, name, wide, [address, align, mask, other])


def emit_masked_store(builder: Any, value: Any, pointer: Any, mask: Any) -> None:
    wide = value.type
    address = builder.bitcast(pointer, wide.as_pointer())
    align = ir.Constant(ir.IntType(32), bytes_of(wide.element))
    name = f"llvm.masked.store.{suffix(wide)}.p0"
    emit_call(builder, name, ir.VoidType(), [value, address, align, mask])


def suffix(vector: ir.VectorType) -> str:
    kind = {ir.FloatType(): "f32", ir.DoubleType(): "f64"}.get(vector.element)
    return f"v{vector.count}{kind or vector.element.intrinsic_name}"
