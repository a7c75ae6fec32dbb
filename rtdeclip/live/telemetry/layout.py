"""The bytes of the telemetry file.

All numbers are little-endian; every section starts on a multiple of 64 bytes, at the
offset that the head names:

==========  =======================================================================
``head``    at 0, dtype ``HEAD``: magic ``RTDECLIP``, version, process id, sample
            rate, channels, hop, block, scope length, and each section's offset
``status``  int64 sequence number, then dtype ``STATUS`` (the fields of ``Status``).
            Odd number: being written; a reader copies and compares before and after
``params``  float64 slots in the order of ``PARAMETERS``; a host stores a value with
            one aligned 8-byte write, so hosts need no lock among one another
``request`` int64 number, int64 length, then UTF-8 JSON (a processor to switch to,
            a place to seek …). Hosts take ``flock`` on the file around a write; the
            audio process never locks and copies the number to
            ``Status.request_done`` when it has served or refused the request
``info``    int64 sequence number, int64 length, UTF-8 JSON: device names, offered
            processors with their settings, the latency budget's lines
``events``  int64 count, then a ring of ``EVENTS`` records of dtype ``EVENT``: what
            happened at which sample position (switches, feedback, faults)
``scope``   int64 ``dry_end``, int64 ``wet_end``, then three rings ``(scope_samples,
            n_channels)``: dry float32, wet float32, sign int8. Sample position p lies
            at row p mod scope_samples, so dry and wet of one row belong together:
            rows of positions below ``wet_end`` are complete
==========  =======================================================================
"""

import json
import mmap
import os
from dataclasses import fields
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from rtdeclip.errors import DeviceError, SettingError
from rtdeclip.live.telemetry.status import METERED_CHANNELS, PARAMETERS, Status

MAGIC = b"RTDECLIP"
VERSION = 2
EVENTS = 64
REQUEST_BYTES = 16384
INFO_BYTES = 65536
TEXT_BYTES = 232

Record: TypeAlias = NDArray[np.void]


def _kind(default: Any) -> Any:
    if isinstance(default, tuple):
        return ("<f8", (METERED_CHANNELS,))
    return "<f8" if isinstance(default, float) else "<i8"


STATUS_NAMES = tuple(f.name for f in fields(Status))
STATUS = np.dtype(
    [
        (f.name, *kind)
        if isinstance(kind := _kind(f.default), tuple)
        else (f.name, kind)
        for f in fields(Status)
    ]
)
EVENT = np.dtype(
    [
        ("position", "<i8"),
        ("time_ns", "<i8"),  # since the epoch
        ("bytes", "<i8"),
        ("text", "u1", (TEXT_BYTES,)),  # "kind: sentence", UTF-8
    ]
)
HEAD = np.dtype(
    [
        ("magic", "S8"),
        *(
            (name, "<i8")
            for name in (
                "version",
                "pid",
                "sample_rate",
                "n_channels",
                "hop",
                "block",
                "scope_samples",
                "file_bytes",
                "status_at",
                "params_at",
                "request_at",
                "info_at",
                "events_at",
                "scope_at",
            )
        ),
    ]
)


class Sections:
    """The file's sections as arrays over one map."""

    def __init__(self, memory: mmap.mmap) -> None:
        self.head = np.frombuffer(memory, HEAD, 1)[0]
        h = self.head
        n, channels = int(h["scope_samples"]), int(h["n_channels"])
        self.status_seq = np.frombuffer(memory, "<i8", 1, int(h["status_at"]))
        self.status = np.frombuffer(memory, STATUS, 1, int(h["status_at"]) + 64)
        self.params = np.frombuffer(memory, "<f8", len(PARAMETERS), int(h["params_at"]))
        self.request = Mailbox(memory, int(h["request_at"]), REQUEST_BYTES)
        self.info = Mailbox(memory, int(h["info_at"]), INFO_BYTES)
        self.event_count = np.frombuffer(memory, "<i8", 1, int(h["events_at"]))
        self.events = np.frombuffer(memory, EVENT, EVENTS, int(h["events_at"]) + 64)
        at = int(h["scope_at"])
        self.scope_ends = np.frombuffer(memory, np.int64, 2, at)
        self.scope_dry = self._ring(memory, np.float32, at + 64, n, channels)
        self.scope_wet = self._ring(
            memory, np.float32, at + 64 + 4 * n * channels, n, channels
        )
        self.scope_sign = self._ring(
            memory, np.int8, at + 64 + 8 * n * channels, n, channels
        )

    @staticmethod
    def _ring(memory: mmap.mmap, kind: Any, at: int, n: int, channels: int) -> Any:
        return np.frombuffer(memory, kind, n * channels, at).reshape(n, channels)


class Mailbox:
    """Number, length, text; the number is even when the text is whole."""

    def __init__(self, memory: mmap.mmap, at: int, n_bytes: int) -> None:
        self.numbers = np.frombuffer(memory, "<i8", 2, at)
        self.text = np.frombuffer(memory, np.uint8, n_bytes, at + 64)

    def write(self, content: object) -> int:
        """Replaces the text by ``content`` as JSON; its number.

        Raises:
            SettingError: it is too long.
        """
        data = json.dumps(content).encode()
        if len(data) > len(self.text):
            raise SettingError(
                f"The message has {len(data)} bytes; at most {len(self.text)} fit. "
                "Shorten it."
            )
        self.numbers[0] += 1
        self.text[: len(data)] = np.frombuffer(data, np.uint8)
        self.numbers[1] = len(data)
        self.numbers[0] += 1
        return int(self.numbers[0])

    def read(self) -> tuple[int, Any]:
        """The number and what it says; the number alone while it is being written."""
        before = int(self.numbers[0])
        data = self.text[: int(self.numbers[1])].tobytes()
        if before % 2 or before != int(self.numbers[0]) or not data:
            return before - before % 2, None
        return before, json.loads(data)


def map_file(path: Path, writable: bool) -> tuple[mmap.mmap, int]:
    """The whole file as memory, and its inode.

    Raises:
        DeviceError: no such file, no telemetry file or one of another version.
    """
    try:
        with path.open("r+b" if writable else "rb") as file:
            head_bytes = file.read(HEAD.itemsize)
            _check_head(path, head_bytes)
            access = mmap.ACCESS_WRITE if writable else mmap.ACCESS_READ
            inode = os.fstat(file.fileno()).st_ino
            return mmap.mmap(file.fileno(), 0, access=access), inode
    except OSError as error:
        raise DeviceError(
            f"No running engine at {path} ({error.strerror}). Start one: rtdeclip live"
        ) from error


def _check_head(path: Path, data: bytes) -> None:
    if len(data) < HEAD.itemsize or not data.startswith(MAGIC):
        raise DeviceError(
            f"{path} is no telemetry file of rtdeclip. Give the file that "
            "`rtdeclip live` printed, or none to find it."
        )
    version = int(np.frombuffer(data, HEAD, 1)["version"][0])
    if version != VERSION:
        raise DeviceError(
            f"{path} was made by an rtdeclip whose telemetry is version {version}; "
            f"this one reads version {VERSION}. Start both from one installation."
        )
