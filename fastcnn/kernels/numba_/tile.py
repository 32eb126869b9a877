"""Tiles of registers: tuples of vectors, which LLVM never puts into memory while they fit.

A tile of R rows and C columns is a tuple of R * C vectors, row by row. Sizes are constants of the
compiler: literals, or global or closed-over integers.
"""

from typing import Any

from llvmlite import ir
from numba.core import cgutils, types
from numba.core.errors import RequireLiteralValue
from numba.core.typing.templates import signature
from numba.extending import intrinsic

from fastcnn.kernels.numba_.emit import (
    VW,
    Pointer,
    Vector,
    emit_at,
    emit_constant,
    emit_first,
    emit_fma,
    emit_lane_sums,
    emit_load,
    emit_masked_load,
    emit_masked_store,
    emit_shuffle,
    emit_splat,
    emit_store,
)


def _literal(kind: Any) -> int:
    if not isinstance(kind, types.IntegerLiteral):
        raise RequireLiteralValue(f"the size of a tile must be a constant, not {kind}")
    return kind.literal_value


def _pack(context: Any, builder: Any, kind: Any, values: list[Any]) -> Any:
    return context.make_tuple(builder, kind, values)


def _steps(builder: Any, pointer: Any, step: Any, n: int) -> list[Any]:
    """Addresses of pointer, pointer + step, ..."""
    found = [pointer]
    for _ in range(n - 1):
        found.append(emit_at(builder, found[-1], step))
    return found


@intrinsic(prefer_literal=True)
def fill(typingctx, v, n):
    """n times the same vector."""
    result = types.UniTuple(v, _literal(n))

    def codegen(context, builder, sig, args):
        return _pack(context, builder, result, [args[0]] * len(result))

    return signature(result, v, n), codegen


@intrinsic(prefer_literal=True)
def repeat_each(typingctx, rows, columns):
    """A tile of which each row is `columns` times the vector of that row."""
    n = _literal(columns)
    result = types.UniTuple(rows.dtype, len(rows) * n)

    def codegen(context, builder, sig, args):
        values = cgutils.unpack_tuple(builder, args[0], len(rows))
        return _pack(context, builder, result, [v for v in values for _ in range(n)])

    return signature(result, rows, columns), codegen


@intrinsic(prefer_literal=True)
def loads(typingctx, p, step, n):
    """The vectors at p, p + step, ..."""
    result = types.UniTuple(Vector(p.dtype, VW), _literal(n))

    def codegen(context, builder, sig, args):
        places = _steps(builder, args[0], args[1], len(result))
        return _pack(context, builder, result, [emit_load(builder, at, VW) for at in places])

    return signature(result, p, types.int64, n), codegen


@intrinsic
def loads_at(typingctx, p, offsets):
    """The vectors at p + offset, for each offset of a tuple."""
    result = types.UniTuple(Vector(p.dtype, VW), len(offsets))

    def codegen(context, builder, sig, args):
        places = cgutils.unpack_tuple(builder, args[1], len(offsets))
        values = [emit_load(builder, emit_at(builder, args[0], at), VW) for at in places]
        return _pack(context, builder, result, values)

    return signature(result, p, types.UniTuple(types.int64, len(offsets))), codegen


@intrinsic
def loads_part(typingctx, p, offsets, count):
    """loads_at of the first `count` elements each; the others are zero and not touched."""
    result = types.UniTuple(Vector(p.dtype, VW), len(offsets))

    def codegen(context, builder, sig, args):
        mask = emit_first(builder, args[2], VW)
        zero = ir.Constant(ir.VectorType(args[0].type.pointee, VW), None)
        places = cgutils.unpack_tuple(builder, args[1], len(offsets))
        values = [
            emit_masked_load(builder, emit_at(builder, args[0], at), mask, zero) for at in places
        ]
        return _pack(context, builder, result, values)

    return signature(result, p, types.UniTuple(types.int64, len(offsets)), types.int64), codegen


@intrinsic(prefer_literal=True)
def offsets_at(typingctx, p, n):
    """p[0], ..., p[n - 1] as a tuple"""
    result = types.UniTuple(p.dtype, _literal(n))

    def codegen(context, builder, sig, args):
        places = _steps(builder, args[0], ir.Constant(ir.IntType(64), 1), len(result))
        return _pack(context, builder, result, [builder.load(at) for at in places])

    return signature(result, p, n), codegen


def _grid(builder: Any, p: Any, row_step: Any, rows: int, offsets: Any, columns: int) -> list[Any]:
    """Addresses p + r row_step + offsets[c]."""
    across = cgutils.unpack_tuple(builder, offsets, columns)
    down = _steps(builder, p, row_step, rows)
    return [emit_at(builder, row, column) for row in down for column in across]


@intrinsic(prefer_literal=True)
def loads_grid(typingctx, p, row_step, columns, rows, count):
    """A tile of the first `count` elements each at p + r row_step + columns[c], of `rows` rows."""
    down, across = _literal(rows), len(columns)
    result = types.UniTuple(Vector(p.dtype, VW), down * across)

    def codegen(context, builder, sig, args):
        mask = emit_first(builder, args[4], VW)
        zero = ir.Constant(ir.VectorType(args[0].type.pointee, VW), None)
        places = _grid(builder, args[0], args[1], down, args[2], across)
        values = [emit_masked_load(builder, at, mask, zero) for at in places]
        return _pack(context, builder, result, values)

    return signature(result, p, types.int64, columns, rows, types.int64), codegen


@intrinsic
def store_grid(typingctx, p, row_step, columns, tile, count):
    """Write the first `count` elements of tile[r][c] to p + r row_step + columns[c]."""
    across = len(columns)

    def codegen(context, builder, sig, args):
        mask = emit_first(builder, args[4], VW)
        values = cgutils.unpack_tuple(builder, args[3], len(tile))
        places = _grid(builder, args[0], args[1], len(tile) // across, args[2], across)
        for at, value in zip(places, values, strict=True):
            emit_masked_store(builder, value, at, mask)
        return context.get_dummy_value()

    return signature(types.none, p, types.int64, columns, tile, types.int64), codegen


@intrinsic(prefer_literal=True)
def splats(typingctx, p, step, n):
    """Vectors of p[0], p[step], ..."""
    result = types.UniTuple(Vector(p.dtype, VW), _literal(n))

    def codegen(context, builder, sig, args):
        places = _steps(builder, args[0], args[1], len(result))
        values = [emit_splat(builder, builder.load(at), VW) for at in places]
        return _pack(context, builder, result, values)

    return signature(result, p, types.int64, n), codegen


@intrinsic
def outer(typingctx, tile, rows, columns):
    """tile[r][c] + rows[r] * columns[c]"""
    if len(tile) != len(rows) * len(columns):
        return None

    def codegen(context, builder, sig, args):
        sums, left, right = (
            cgutils.unpack_tuple(builder, value, len(kind))
            for value, kind in zip(args, sig.args, strict=True)
        )
        products = ((a, b) for a in left for b in right)
        values = [emit_fma(builder, a, b, c) for (a, b), c in zip(products, sums, strict=True)]
        return _pack(context, builder, tile, values)

    return signature(tile, tile, rows, columns), codegen


@intrinsic
def add_each(typingctx, tile, other):
    """Sums of the vectors of two tiles."""

    def codegen(context, builder, sig, args):
        a, b = (cgutils.unpack_tuple(builder, value, len(tile)) for value in args)
        values = [builder.fadd(x, y) for x, y in zip(a, b, strict=True)]
        return _pack(context, builder, tile, values)

    return signature(tile, tile, tile), codegen


@intrinsic
def max_each(typingctx, tile, floor):
    """The larger of each element and the floor; NaN stays NaN."""

    def codegen(context, builder, sig, args):
        values = cgutils.unpack_tuple(builder, args[0], len(tile))
        values = [builder.select(builder.fcmp_ordered(">", args[1], v), args[1], v) for v in values]
        return _pack(context, builder, tile, values)

    return signature(tile, tile, floor), codegen


@intrinsic(prefer_literal=True)
def store_tile(typingctx, p, row_step, column_step, tile, columns):
    """Write tile[r][c] to p + r row_step + c column_step."""
    width = _literal(columns)

    def codegen(context, builder, sig, args):
        values = cgutils.unpack_tuple(builder, args[3], len(tile))
        rows = _steps(builder, args[0], args[1], len(tile) // width)
        places = [at for row in rows for at in _steps(builder, row, args[2], width)]
        for at, value in zip(places, values, strict=True):
            emit_store(builder, value, at)
        return context.get_dummy_value()

    return signature(types.none, p, types.int64, types.int64, tile, columns), codegen


@intrinsic
def store_parts(typingctx, p, step, tile, count):
    """Write the first `count` elements of tile[k] to p + k step."""

    def codegen(context, builder, sig, args):
        mask = emit_first(builder, args[3], VW)
        values = cgutils.unpack_tuple(builder, args[2], len(tile))
        places = _steps(builder, args[0], args[1], len(tile))
        for at, value in zip(places, values, strict=True):
            emit_masked_store(builder, value, at, mask)
        return context.get_dummy_value()

    return signature(types.none, p, types.int64, tile, types.int64), codegen


@intrinsic
def add_lane_sums(typingctx, p, tile):
    """p[k] += the sum of the elements of vector k. Whole vectors from p on are written."""

    def codegen(context, builder, sig, args):
        values = cgutils.unpack_tuple(builder, args[1], len(tile))
        for k in range(0, len(tile), VW):
            at = emit_at(builder, args[0], ir.Constant(ir.IntType(64), k))
            sums = emit_lane_sums(builder, values[k : k + VW])
            emit_store(builder, builder.fadd(emit_load(builder, at, VW), sums), at)
        return context.get_dummy_value()

    return signature(types.none, p, tile), codegen


@intrinsic
def first_maxima(typingctx, tile):
    """Of each row of four vectors: (the largest elements, their columns as bytes), first wins."""
    rows = len(tile) // 4
    best, which = types.UniTuple(tile.dtype, rows), types.UniTuple(Vector(types.uint8, VW), rows)
    result = types.Tuple([best, which])

    def codegen(context, builder, sig, args):
        values = cgutils.unpack_tuple(builder, args[0], len(tile))
        found = [_first_maximum(builder, values[k : k + 4]) for k in range(0, len(tile), 4)]
        parts = [
            _pack(context, builder, kind, list(part))
            for kind, part in zip((best, which), zip(*found, strict=True), strict=True)
        ]
        return context.make_tuple(builder, result, parts)

    return signature(result, tile), codegen


def _first_maximum(builder: Any, values: list[Any]) -> tuple[Any, Any]:
    kind = ir.VectorType(ir.IntType(8), VW)
    best, which = values[0], emit_constant(kind, 0)
    for k, value in enumerate(values[1:], 1):
        better = builder.fcmp_ordered(">", value, best)
        best = builder.select(better, value, best)
        which = builder.select(better, emit_constant(kind, k), which)
    return best, which


@intrinsic(prefer_literal=True)
def part_groups(typingctx, a, b, group):
    """(even, odd) groups of `group` neighbouring elements of a and b, one after the other."""
    size, result = _literal(group), types.UniTuple(a, 2)

    def codegen(context, builder, sig, args):
        if size == VW:
            return _pack(context, builder, result, [args[0], args[1]])
        places = [[k for k in range(2 * VW) if k // size % 2 == odd] for odd in (0, 1)]
        values = [emit_shuffle(builder, args[0], args[1], part) for part in places]
        return _pack(context, builder, result, values)

    return signature(result, a, b, group), codegen


@intrinsic(prefer_literal=True)
def join_groups(typingctx, even, odd, group):
    """Undo `part_groups`."""
    size, result = _literal(group), types.UniTuple(even, 2)

    def codegen(context, builder, sig, args):
        if size == VW:
            return _pack(context, builder, result, [args[0], args[1]])
        places = [k // (2 * size) * size + k % size + VW * (k // size % 2) for k in range(2 * VW)]
        halves = [places[:VW], places[VW:]]
        values = [emit_shuffle(builder, args[0], args[1], half) for half in halves]
        return _pack(context, builder, result, values)

    return signature(result, even, odd, group), codegen


@intrinsic
def picked_outer(typingctx, tile, top, low, rows, which):
    """tile[r][c] + rows[r] * what row r picked from window c.

    Windows c and c + 1 share a column: window c has the pixels top[c], top[c + 1], low[c] and
    low[c + 1], which bits 0 (right) and 1 (below) of the bytes which[r] choose from."""

    def codegen(context, builder, sig, args):
        sums, above, below, left, bits = (
            cgutils.unpack_tuple(builder, value, len(kind))
            for value, kind in zip(args, sig.args, strict=True)
        )
        columns, result = len(above) - 1, []
        for r, (a, choice) in enumerate(zip(left, bits, strict=True)):
            is_right, is_below = (_has_bit(builder, choice, bit) for bit in (1, 2))
            pairs = zip(above, below, strict=True)
            picked = [builder.select(is_below, low_one, top_one) for top_one, low_one in pairs]
            for c in range(columns):
                x = builder.select(is_right, picked[c + 1], picked[c])
                result.append(emit_fma(builder, a, x, sums[r * columns + c]))
        return _pack(context, builder, tile, result)

    return signature(tile, tile, top, low, rows, which), codegen


def _has_bit(builder: Any, value: Any, bit: int) -> Any:
    masked = builder.and_(value, emit_constant(value.type, bit))
    return builder.icmp_unsigned("!=", masked, emit_constant(value.type, 0))


@intrinsic
def transpose(typingctx, tile):
    """VW vectors of VW: element i of vector k becomes element k of vector i."""
    if len(tile) != VW:
        return None

    def codegen(context, builder, sig, args):
        values = cgutils.unpack_tuple(builder, args[0], VW)
        span = VW // 2
        while span:
            values = _exchange(builder, values, span)
            span //= 2
        return _pack(context, builder, tile, values)

    return signature(tile, tile), codegen


def _exchange(builder: Any, values: list[Any], span: int) -> list[Any]:
    """Swap the off-diagonal squares of `span` elements of each pair of vectors `span` apart."""
    result = list(values)
    upper = [i if not i & span else VW + i - span for i in range(VW)]
    lower = [i + span if not i & span else VW + i for i in range(VW)]
    for k in (k for k in range(VW) if not k & span):
        a, b = values[k], values[k + span]
        result[k] = emit_shuffle(builder, a, b, upper)
        result[k + span] = emit_shuffle(builder, a, b, lower)
    return result


@intrinsic
def as_offsets(typingctx, p):
    """A pointer to floats as one to int64."""
    result = Pointer(types.int64)

    def codegen(context, builder, sig, args):
        return builder.bitcast(args[0], ir.IntType(64).as_pointer())

    return signature(result, p), codegen
