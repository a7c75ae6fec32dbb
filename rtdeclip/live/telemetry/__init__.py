"""What the audio process tells and is told: one memory-mapped file, version 1.

The audio process creates the file (mode 0600, in the runtime directory), keeps it
mapped while sound runs and removes it at its end. Any number of readers may map it;
they come and go without a word. ``TelemetryReader`` and ``ParameterWriter`` are the
host's side of it, ``TelemetryFile`` the audio process's.
"""

from rtdeclip.live.telemetry.file import TelemetryFile
from rtdeclip.live.telemetry.layout import EVENTS, VERSION
from rtdeclip.live.telemetry.reader import (
    TelemetryReader,
    find_sessions,
    remove_stale,
)
from rtdeclip.live.telemetry.status import (
    METERED_CHANNELS,
    PARAMETERS,
    STATES,
    Event,
    Scope,
    Status,
)
from rtdeclip.live.telemetry.writer import ParameterWriter

__all__ = [
    "EVENTS",
    "METERED_CHANNELS",
    "PARAMETERS",
    "STATES",
    "VERSION",
    "Event",
    "ParameterWriter",
    "Scope",
    "Status",
    "TelemetryFile",
    "TelemetryReader",
    "find_sessions",
    "remove_stale",
]
