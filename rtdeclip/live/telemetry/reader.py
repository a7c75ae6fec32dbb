"""A host's view of a running engine; read-only."""

from pathlib import Path
from typing import Any

import numpy as np

from rtdeclip.errors import DeviceError
from rtdeclip.live.runtime_dir import process_is_alive, runtime_dir
from rtdeclip.live.telemetry.layout import (
    EVENTS,
    STATUS,
    STATUS_NAMES,
    Sections,
    map_file,
)
from rtdeclip.live.telemetry.status import PARAMETERS, Event, Scope, Status


class TelemetryReader:
    """A host's view of a running engine; read-only.

    Args:
        path: the telemetry file; ``find_sessions`` lists them.

    Raises:
        DeviceError: no such file, no telemetry file or one of another version.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._memory, self._inode = map_file(path, writable=False)
        self._parts = Sections(self._memory)
        head = self._parts.head
        self.pid = int(head["pid"])
        self.sample_rate = int(head["sample_rate"])
        self.n_channels = int(head["n_channels"])
        self.hop = int(head["hop"])
        self.block = int(head["block"])
        self.scope_samples = int(head["scope_samples"])
        self._whole = np.zeros(1, STATUS)[0]

    def status(self) -> Status:
        """The last status; all fields of the same moment.

        Where the writer was stopped in the middle of one, the whole one before.
        """
        for _ in range(1000):
            before = int(self._parts.status_seq[0])
            record = self._parts.status.copy()[0]
            if before % 2 == 0 and before == int(self._parts.status_seq[0]):
                self._whole = record
                break
        values: dict[str, Any] = {
            name: tuple(map(float, v)) if isinstance(v, np.ndarray) else v
            for name, v in zip(STATUS_NAMES, self._whole.item(), strict=True)
        }
        return Status(**values)

    def alive(self) -> bool:
        """True while the audio process that owns the file runs."""
        return process_is_alive(self.pid)

    def replaced(self) -> bool:
        """True when the path now holds another file or none: open a new reader."""
        try:
            return self.path.stat().st_ino != self._inode
        except OSError:
            return True

    @property
    def info(self) -> dict[str, Any]:
        """Devices, offered processors, latency budget; empty until it is written."""
        content: dict[str, Any] | None = self._parts.info.read()[1]
        return content or {}

    def parameters(self) -> dict[str, float]:
        """All parameters as they stand."""
        return dict(zip(PARAMETERS, self._parts.params.tolist(), strict=True))

    def events(self, since: int = 0) -> list[Event]:
        """Events numbered ``since`` and above that are still in the ring, in order."""
        count = int(self._parts.event_count[0])
        return [
            self._event(number) for number in range(max(since, count - EVENTS), count)
        ]

    def _event(self, number: int) -> Event:
        e = self._parts.events[number % EVENTS]
        text = e["text"][: int(e["bytes"])].tobytes().decode(errors="replace")
        return Event(number, int(e["position"]), int(e["time_ns"]) * 1e-9, text)

    @property
    def wet_end(self) -> int:
        """Position up to which ``scope`` and ``stretch`` can give sound."""
        return int(self._parts.scope_ends[1])

    def scope(self, n_samples: int) -> Scope:
        """The newest ``n_samples`` (fewer at the start), dry and wet aligned."""
        end = self.wet_end
        return self.stretch(max(0, end - min(n_samples, self.scope_samples // 2)), end)

    def stretch(self, start: int, end: int) -> Scope:
        """Positions ``start`` to ``end``; what has left the ring is left out.

        The result begins later than ``start`` where the reader came too late for
        the ring (``scope_samples`` long); its ``position`` tells.
        """
        end = min(end, self.wet_end)
        rows = np.arange(max(0, min(start, end)), end) & (self.scope_samples - 1)
        p = self._parts
        dry, wet, sign = p.scope_dry[rows], p.scope_wet[rows], p.scope_sign[rows]
        oldest = int(p.scope_ends[0]) - self.scope_samples  # may be overwritten below
        skip = min(len(rows), max(0, oldest - (end - len(rows))))
        return Scope(end - len(rows) + skip, dry[skip:], wet[skip:], sign[skip:])


def find_sessions() -> list[Path]:
    """Telemetry files of running engines, newest first; others' remains are ignored."""
    found = []
    for path in runtime_dir().glob("*.telemetry"):
        try:
            if TelemetryReader(path).alive():
                found.append((path.stat().st_mtime, path))
        except (DeviceError, OSError):
            continue
    return [path for _, path in sorted(found, reverse=True)]


def remove_stale() -> None:
    """Remove telemetry files whose audio process was killed."""
    for path in runtime_dir().glob("*.telemetry"):
        try:
            stale = not TelemetryReader(path).alive()
        except DeviceError:
            continue  # another version's; not ours to judge
        if stale:
            path.unlink(missing_ok=True)
