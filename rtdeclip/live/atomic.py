"""Loads and stores that two threads may share: acquire and release on int64.

Numba has no atomics for the CPU; LLVM has. A plain load may be hoisted out of a loop
and a plain store may overtake the samples it announces, so every cursor that crosses
threads goes through these two.
"""

from typing import Any

from numba import types
from numba.core import cgutils
from numba.extending import intrinsic


def _pointer(context: Any, builder: Any, signature: Any, args: Any) -> Any:
    array = context.make_array(signature.args[0])(context, builder, args[0])
    return cgutils.get_item_pointer(
        context, builder, signature.args[0], array, [args[1]]
    )


@intrinsic
def load_acquire(typing_context: Any, array: Any, index: Any) -> Any:
    """``array[index]`` (int64); what its writer stored before is visible after it."""

    def codegen(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        place = _pointer(context, builder, signature, args)
        return builder.load_atomic(place, "acquire", 8)

    return types.int64(array, types.intp), codegen


@intrinsic
def store_release(typing_context: Any, array: Any, index: Any, value: Any) -> Any:
    """``array[index] = value`` (int64), visible after all that was stored before."""

    def codegen(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        place = _pointer(context, builder, signature, args)
        builder.store_atomic(args[2], place, "release", 8)
        return context.get_dummy_value()

    return types.void(array, types.intp, types.int64), codegen


@intrinsic
def as_pointer(typing_context: Any, address: Any) -> Any:
    """The integer ``address`` as a pointer that ``numba.carray`` takes."""

    def codegen(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        return builder.inttoptr(args[0], cgutils.voidptr_t)

    return types.voidptr(types.uintp), codegen
