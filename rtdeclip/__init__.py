"""Real-time audio declipping: a stream processor and plugin host.

    import rtdeclip
    restored = rtdeclip.declip(clipped, sample_rate)

Names are loaded when they are first used, so that importing the package is instant.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from rtdeclip.stream.clip import Clip, Plateau
    from rtdeclip.stream.offline import declip
    from rtdeclip.stream.processor import Effect, Method, Processor, Restorer, Setting
    from rtdeclip.stream.stream import Stream
    from rtdeclip.testing import check_processor

__version__ = "0.1.0"

_HOMES = {
    "Clip": "rtdeclip.stream.clip",
    "Effect": "rtdeclip.stream.processor",
    "Method": "rtdeclip.stream.processor",
    "Plateau": "rtdeclip.stream.clip",
    "Processor": "rtdeclip.stream.processor",
    "Restorer": "rtdeclip.stream.processor",
    "Setting": "rtdeclip.stream.processor",
    "Stream": "rtdeclip.stream.stream",
    "check_processor": "rtdeclip.testing",
    "declip": "rtdeclip.stream.offline",
}

__all__ = [
    "Clip",
    "Effect",
    "Method",
    "Plateau",
    "Processor",
    "Restorer",
    "Setting",
    "Stream",
    "check_processor",
    "declip",
]


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module 'rtdeclip' has no attribute {name!r}")
    value = getattr(import_module(_HOMES[name]), name)
    globals()[name] = value
    return value
