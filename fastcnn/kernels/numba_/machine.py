"""What Numba has no word for: calls by address, atomic words, denormals, arrays at addresses."""

import os
import platform
from typing import Any

from llvmlite import ir
from numba.core import cgutils, types
from numba.core.typing.templates import signature
from numba.extending import intrinsic
from numba.np import arrayobj

from fastcnn.kernels.numba_.emit import emit_call

X86 = platform.machine() in ("x86_64", "AMD64")
ARM = platform.machine() in ("aarch64", "arm64")
I8, I32, I64 = ir.IntType(8), ir.IntType(32), ir.IntType(64)


@intrinsic
def call(typingctx, address, arguments):
    """Call a C function at an address with a tuple of int64."""

    def codegen(context, builder, sig, args):
        values = cgutils.unpack_tuple(builder, args[1], len(arguments))
        kind = ir.FunctionType(ir.VoidType(), [v.type for v in values])
        builder.call(builder.inttoptr(args[0], kind.as_pointer()), values)
        return context.get_dummy_value()

    return signature(types.none, types.int64, arguments), codegen


@intrinsic
def never_inlined(typingctx):
    """In a function's body: LLVM shall not copy it into its callers, which compile faster then."""

    def codegen(context, builder, sig, args):
        builder.function.attributes.add("noinline")
        return context.get_dummy_value()

    return signature(types.none), codegen


@intrinsic
def add_and_get_old(typingctx, address, value):
    """Atomically add to the int32 at an address; what the others wrote before is visible then."""

    def codegen(context, builder, sig, args):
        word = builder.inttoptr(args[0], I32.as_pointer())
        return builder.atomic_rmw("add", word, builder.trunc(args[1], I32), "acq_rel")

    return signature(types.int32, types.int64, types.int64), codegen


@intrinsic
def read_word(typingctx, address):
    """The int32 at an address, as the other threads left it."""

    def codegen(context, builder, sig, args):
        return builder.load_atomic(builder.inttoptr(args[0], I32.as_pointer()), "acquire", 4)

    return signature(types.int32, types.int64), codegen


@intrinsic
def pause(typingctx):
    """Tell the core that this loop waits for another one."""

    def codegen(context, builder, sig, args):
        if X86:
            emit_call(builder, "llvm.x86.sse2.pause", ir.VoidType(), [])
        return context.get_dummy_value()

    return signature(types.none), codegen


@intrinsic
def flush_denormals(typingctx):
    """Take denormal numbers for 0 in this thread, as they cost 20 to 50 times a normal one.

    Returns the state to give back to `restore_denormals`."""

    def codegen(context, builder, sig, args):
        if ARM:
            old = emit_call(builder, "llvm.aarch64.get.fpcr", I64, [])
            new = builder.or_(old, I64(1 << 24))
            emit_call(builder, "llvm.aarch64.set.fpcr", ir.VoidType(), [new])
            return old
        if not X86:
            return I64(0)
        state = cgutils.alloca_once(builder, I32)
        address = builder.bitcast(state, I8.as_pointer())
        emit_call(builder, "llvm.x86.sse.stmxcsr", ir.VoidType(), [address])
        old = builder.load(state)
        builder.store(builder.or_(old, I32(0x8040)), state)
        emit_call(builder, "llvm.x86.sse.ldmxcsr", ir.VoidType(), [address])
        return builder.zext(old, I64)

    return signature(types.int64), codegen


@intrinsic
def restore_denormals(typingctx, saved):
    """Undo `flush_denormals`."""

    def codegen(context, builder, sig, args):
        if ARM:
            emit_call(builder, "llvm.aarch64.set.fpcr", ir.VoidType(), [args[0]])
        elif X86:
            state = cgutils.alloca_once(builder, I32)
            builder.store(builder.trunc(args[0], I32), state)
            address = builder.bitcast(state, I8.as_pointer())
            emit_call(builder, "llvm.x86.sse.ldmxcsr", ir.VoidType(), [address])
        return context.get_dummy_value()

    return signature(types.none, types.int64), codegen


@intrinsic
def offer_core(typingctx):
    """Let another thread run, where the system has a call for it."""

    def codegen(context, builder, sig, args):
        if hasattr(os, "sched_yield"):
            emit_call(builder, "sched_yield", I32, [])
        return context.get_dummy_value()

    return signature(types.none), codegen


AXES = 6  # most of a tensor
WORDS = 1 + 2 * AXES  # of a tensor: its address, shape and strides (in bytes)


def argument_reader(tensors: list[tuple[types.Array, bool]], params: list[types.Type]) -> Any:
    """An intrinsic that makes the arguments of a kernel from the words which describe them.

    tensors: (type, whether its first axis is cut to the blocks that hold images)."""
    result = types.Tuple([kind for kind, _ in tensors] + params)

    @intrinsic
    def arguments(typingctx, words, blocks):
        def codegen(context, builder, sig, args):
            base = builder.inttoptr(args[0], I64.as_pointer())

            def word(place):
                return builder.load(builder.gep(base, [I64(place)]))

            values = [
                _array(context, builder, kind, [word(k * WORDS + i) for i in range(WORDS)], limit)
                for k, (kind, blocked) in enumerate(tensors)
                for limit in [args[1] if blocked else None]
            ]
            for k, kind in enumerate(params, len(tensors) * WORDS):
                raw, floating = word(k), isinstance(kind, types.Float)
                values.append(builder.bitcast(raw, ir.DoubleType()) if floating else raw)
            return context.make_tuple(builder, result, values)

        return signature(result, types.int64, types.int64), codegen

    return arguments


def _array(context: Any, builder: Any, kind: types.Array, words: list[Any], limit: Any) -> Any:
    shape, strides = words[1 : 1 + kind.ndim], words[1 + AXES : 1 + AXES + kind.ndim]
    if limit is not None:
        less = builder.icmp_signed("<", limit, shape[0])
        shape[0] = builder.select(less, limit, shape[0])
    array = context.make_array(kind)(context, builder)
    data = builder.inttoptr(words[0], array.data.type)
    itemsize = context.get_abi_sizeof(context.get_data_type(kind.dtype))
    arrayobj.populate_array(array, data, shape, strides, I64(itemsize), None)
    return array._getvalue()


@intrinsic
def floats_at(typingctx, address, count):
    """float32 array of `count` elements at an address."""
    kind = types.Array(types.float32, 1, "C")

    def codegen(context, builder, sig, args):
        return _array(
            context, builder, kind, [args[0], args[1], *[None] * (AXES - 1), I64(4)], None
        )

    return signature(kind, types.int64, types.int64), codegen
