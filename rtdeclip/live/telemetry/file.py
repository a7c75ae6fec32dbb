"""The audio process's side: makes the telemetry file, writes it, removes it."""

import mmap
import os
import time
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rtdeclip.errors import SettingError
from rtdeclip.live.telemetry.layout import (
    EVENT,
    EVENTS,
    HEAD,
    INFO_BYTES,
    MAGIC,
    REQUEST_BYTES,
    STATUS,
    TEXT_BYTES,
    VERSION,
    Record,
    Sections,
)
from rtdeclip.live.telemetry.status import PARAMETERS
from rtdeclip.types import Samples, Signs


class TelemetryFile:
    """The audio process's side: makes the file, writes it, removes it.

    Args:
        path: where; an old file there is replaced.
        sample_rate: Hz.
        n_channels: of the stream.
        hop: of the stream, samples.
        block: samples per callback that was asked of the device.
        scope_samples: rows of the scope's rings, a power of two.
    """

    def __init__(
        self,
        path: Path,
        sample_rate: int,
        n_channels: int,
        hop: int,
        block: int,
        scope_samples: int = 1 << 17,
    ) -> None:
        if scope_samples & (scope_samples - 1):
            raise SettingError(f"scope_samples={scope_samples} is not a power of two.")
        sizes = {
            "status_at": 64 + STATUS.itemsize,
            "params_at": 8 * len(PARAMETERS),
            "request_at": 64 + REQUEST_BYTES,
            "info_at": 64 + INFO_BYTES,
            "events_at": 64 + EVENTS * EVENT.itemsize,
            "scope_at": 64 + 9 * scope_samples * n_channels,
        }
        head = np.zeros(1, HEAD)
        at = _align(HEAD.itemsize)
        for name, size in sizes.items():
            head[name] = at
            at += _align(size)
        head["magic"], head["version"], head["pid"] = MAGIC, VERSION, os.getpid()
        head["sample_rate"], head["n_channels"] = sample_rate, n_channels
        head["hop"], head["block"] = hop, block
        head["scope_samples"], head["file_bytes"] = scope_samples, at
        self.path = path
        self._memory = self._create(path, head, at)
        self._parts = Sections(self._memory)
        self._next = np.zeros(1, STATUS)
        self.set_parameter("wet", 1.0)

    @staticmethod
    def _create(path: Path, head: Record, n_bytes: int) -> mmap.mmap:
        part = path.with_suffix(f".{os.getpid()}.part")
        with open(part, "w+b", opener=_private) as file:
            file.truncate(n_bytes)
            file.write(head.tobytes())
            file.flush()
            memory = mmap.mmap(file.fileno(), n_bytes)
        part.replace(path)  # readers never see a half-made file
        return memory

    @property
    def scope(self) -> tuple[Samples, Samples, Signs, NDArray[np.int64]]:
        """The rings dry, wet, sign and the two ends, for the worker to write to."""
        p = self._parts
        return p.scope_dry, p.scope_wet, p.scope_sign, p.scope_ends

    def parameter(self, name: str) -> float:
        """The value now in the slot ``name`` of ``PARAMETERS``."""
        return float(self._parts.params[PARAMETERS.index(name)])

    def set_parameter(self, name: str, value: float) -> None:
        """Put a value into the slot ``name`` (start values, or after a refusal)."""
        self._parts.params[PARAMETERS.index(name)] = value

    @property
    def fields(self) -> Record:
        """A record of dtype ``STATUS`` to fill; ``publish`` shows it to the readers."""
        return self._next

    def publish(self) -> None:
        """Show ``fields`` to the readers."""
        self._parts.status_seq[0] += 1
        self._parts.status[0] = self._next[0]
        self._parts.status_seq[0] += 1

    def set_info(self, content: dict[str, Any]) -> None:
        """Replace the JSON of the ``info`` section."""
        self._parts.info.write(content)

    def request(self) -> tuple[int, dict[str, Any] | None]:
        """Number and content of the last request; content None if there is none."""
        number, content = self._parts.request.read()
        return number, content

    def say(self, text: str, position: int) -> None:
        """Add an event at a sample position; the oldest falls out of the ring."""
        p = self._parts
        data = text.encode()[:TEXT_BYTES]
        entry = p.events[int(p.event_count[0]) % EVENTS]
        entry["position"], entry["time_ns"] = position, time.time_ns()
        entry["bytes"] = len(data)
        entry["text"][: len(data)] = np.frombuffer(data, np.uint8)
        p.event_count[0] += 1

    def close(self) -> None:
        """Remove the file; readers keep what they have mapped."""
        self.path.unlink(missing_ok=True)


def _private(path: str, flags: int) -> int:
    return os.open(path, flags, 0o600)


def _align(n: int) -> int:
    return -(-n // 64) * 64
