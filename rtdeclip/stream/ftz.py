"""Flush-to-zero for the thread that processes: denormals cost up to 17 times more.

The flag is part of the result (a denormal becomes 0), so ``Stream`` sets it live and
offline alike and puts the caller's setting back after each block. x86-64 only; other
machines keep their own rule, live and offline alike.
"""

import platform
from typing import Any

import numpy as np
from llvmlite import ir
from numba import njit, types
from numba.core import cgutils
from numba.extending import intrinsic

_IS_X86 = platform.machine().lower() in ("x86_64", "amd64")
_FTZ_DAZ = 0x8040


def _call(builder: Any, name: str, slot: Any) -> None:
    pointer = ir.IntType(8).as_pointer()
    kind = ir.FunctionType(ir.VoidType(), [pointer])
    function = cgutils.get_or_insert_function(builder.module, kind, name)
    builder.call(function, [builder.bitcast(slot, pointer)])


@intrinsic
def _read_mxcsr(typing_context: Any) -> Any:
    def codegen(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        slot = cgutils.alloca_once(builder, ir.IntType(32))
        _call(builder, "llvm.x86.sse.stmxcsr", slot)
        return builder.load(slot)

    return types.int32(), codegen


@intrinsic
def _write_mxcsr(typing_context: Any, value: Any) -> Any:
    def codegen(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        slot = cgutils.alloca_once(builder, ir.IntType(32))
        builder.store(args[0], slot)
        _call(builder, "llvm.x86.sse.ldmxcsr", slot)
        return context.get_dummy_value()

    return types.void(types.int32), codegen


if _IS_X86:

    @njit(nogil=True, cache=True)
    def flush_denormals() -> int:
        """Turns flush-to-zero on in this thread; returns the state to restore."""
        old = _read_mxcsr()
        _write_mxcsr(np.int32(old | _FTZ_DAZ))
        return old

    @njit(nogil=True, cache=True)
    def restore_denormals(state: int) -> None:
        """Puts back what ``flush_denormals`` returned."""
        _write_mxcsr(np.int32(state))

else:

    def flush_denormals() -> int:
        """Does nothing on this machine."""
        return 0

    def restore_denormals(state: int) -> None:
        """Does nothing on this machine."""
