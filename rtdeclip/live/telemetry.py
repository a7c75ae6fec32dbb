"""What the audio process tells and is told: one memory-mapped file, version 1.

The audio process creates the file (mode 0600, in the runtime directory), keeps it
mapped while sound runs and removes it at its end. Any number of readers may map it;
they come and go without a word. All numbers are little-endian; every section starts
on a multiple of 64 bytes, at the offset that the head names:

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

``TelemetryReader`` and ``ParameterWriter`` are the host's side of it,
``TelemetryFile`` the audio process's.
"""

import json
import mmap
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any, NamedTuple, TypeAlias

import numpy as np
from numpy.typing import NDArray

from rtdeclip.errors import DeviceError, SettingError
from rtdeclip.live.runtime_dir import process_is_alive, runtime_dir
from rtdeclip.types import Samples, Signs

MAGIC = b"RTDECLIP"
VERSION = 1
METERED_CHANNELS = 8
"""Meters are kept for so many channels; sound may have more."""

PARAMETERS = (
    "bypass",  # 1: dry, delayed alike
    "repair_only",  # 1: hear only what the repair adds
    "wet",  # 0 dry … 1 restored
    "mute",  # 0 sound, 1 muted, 2 muted at once (panic)
    "pause",  # 1: the played file stands still
    "duck_off",  # counter: forget the feedback guard's duck
    "reset",  # counter: set the counters and histograms to zero
    "stop",  # counter: end the audio process cleanly
)
STATES = ("starting", "muted", "running", "stopping", "ended")
EVENTS = 64
_REQUEST_BYTES = 16384
_INFO_BYTES = 65536
_TEXT_BYTES = 232
_NO_METERS = (0.0,) * METERED_CHANNELS

Record: TypeAlias = NDArray[np.void]


@dataclass(frozen=True, slots=True)
class Status:
    """One look at the running engine; counters run from the start or the last reset.

    Units are in the names; levels are linear magnitudes, full scale 1. Per-channel
    fields hold ``METERED_CHANNELS`` numbers, of which the first ``n_channels`` count.
    """

    state: int = 0  # index into STATES
    time_ns: int = 0  # CLOCK_MONOTONIC of this status; older than 1 s: not well
    captured: int = 0  # positions that arrived
    published: int = 0  # positions the worker has finished
    played: int = 0  # positions that left
    callbacks: int = 0
    block: int = 0  # samples of the last callback
    input_overflows: int = 0  # callbacks in which PortAudio flagged it
    input_underflows: int = 0
    output_overflows: int = 0
    output_underflows: int = 0
    device_stalls: int = 0  # callback gaps above 1.5 periods
    late_hops: int = 0  # hops of which a sample was played dry
    late_samples: int = 0  # positions played dry because of it
    own_underruns: int = 0  # … although the device had kept its time
    skipped_samples: int = 0  # positions the worker left out as already past
    episodes: int = 0  # runs of late callbacks, however long each
    faults: int = 0  # hops of which the host refused the processor's result
    bad_input_samples: int = 0  # NaN or infinite, replaced by zero
    clipped_samples: int = 0
    latency_samples: int = 0  # from capture ring to playback ring, all in all
    stream_latency_samples: int = 0  # of it: processor, effects, limiter
    processor: int = 0  # index into info["processors"]
    request_done: int = 0  # number of the last request served or refused
    muted: int = 0
    ducked: int = 0  # 1: the feedback guard holds the output 20 dB down
    scheduler: int = 0  # 0 ordinary, 1 SCHED_FIFO, 2 SCHED_RR through RTKit
    priority: int = 0
    recording_end: int = 0  # for a file source: its length in samples, else 0
    file_position: int = 0  # for a file source: sample now playing
    starved_ms: float = 0.0  # sound played dry or silent for want of a hop
    rtf_p50: float = 0.0  # hop's time / hop's length
    rtf_p99: float = 0.0
    rtf_max: float = 0.0
    load: float = 0.0  # mean RTF since the last status
    wake_p50_us: float = 0.0  # callback to worker
    wake_p99_us: float = 0.0
    wake_max_us: float = 0.0
    gain: float = 1.0  # master fade now in force
    zeros_s: float = 0.0  # length of the exact silence now at the input
    drift_ppm: float = 0.0  # output clock against input clock, separate devices only
    cpu_s: float = 0.0  # CPU time of the audio process
    device_in_ms: float = 0.0  # as PortAudio states it; 0 where it states nonsense
    device_out_ms: float = 0.0
    limiter_gain_db: float = 0.0  # deepest reduction since the last status
    peak_in: tuple[float, ...] = _NO_METERS  # since the last status
    rms_in: tuple[float, ...] = _NO_METERS
    peak_out: tuple[float, ...] = _NO_METERS
    rms_out: tuple[float, ...] = _NO_METERS
    clip_high: tuple[float, ...] = _NO_METERS  # level now in force, 0: none known
    clip_low: tuple[float, ...] = _NO_METERS
    clipped_share: tuple[float, ...] = _NO_METERS  # of the last second, 0 to 1


def _kind(default: Any) -> Any:
    if isinstance(default, tuple):
        return ("<f8", (METERED_CHANNELS,))
    return "<f8" if isinstance(default, float) else "<i8"


_NAMES = tuple(f.name for f in fields(Status))
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
        ("text", "u1", (_TEXT_BYTES,)),  # "kind: sentence", UTF-8
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


class Event(NamedTuple):
    """Something that happened to the sound."""

    number: int
    position: int  # samples since the stream began
    time_s: float  # since the epoch
    text: str


@dataclass(frozen=True, slots=True)
class Scope:
    """A stretch of sound, dry and wet of the same positions.

    Args:
        position: sample position of the first row.
        dry: ``(n, n_channels)`` float32, what came in.
        wet: same shape, what was made of it.
        sign: same shape, int8, 0 reliable, +1 clipped high, −1 clipped low.
    """

    position: int
    dry: Samples
    wet: Samples
    sign: Signs


class _Sections:
    """The file's sections as arrays over one map."""

    def __init__(self, memory: mmap.mmap) -> None:
        self.head = np.frombuffer(memory, HEAD, 1)[0]
        h = self.head
        n, channels = int(h["scope_samples"]), int(h["n_channels"])
        self.status_seq = np.frombuffer(memory, "<i8", 1, int(h["status_at"]))
        self.status = np.frombuffer(memory, STATUS, 1, int(h["status_at"]) + 64)
        self.params = np.frombuffer(memory, "<f8", len(PARAMETERS), int(h["params_at"]))
        self.request = _Mailbox(memory, int(h["request_at"]), _REQUEST_BYTES)
        self.info = _Mailbox(memory, int(h["info_at"]), _INFO_BYTES)
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


class _Mailbox:
    """Number, length, text; the number is even when the text is whole."""

    def __init__(self, memory: mmap.mmap, at: int, n_bytes: int) -> None:
        self.numbers = np.frombuffer(memory, "<i8", 2, at)
        self.text = np.frombuffer(memory, np.uint8, n_bytes, at + 64)

    def write(self, content: object) -> int:
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


def _align(n: int) -> int:
    return -(-n // 64) * 64


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
            "request_at": 64 + _REQUEST_BYTES,
            "info_at": 64 + _INFO_BYTES,
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
        self._parts = _Sections(self._memory)
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
        data = text.encode()[:_TEXT_BYTES]
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


class TelemetryReader:
    """A host's view of a running engine; read-only.

    Args:
        path: the telemetry file; ``find_sessions`` lists them.

    Raises:
        DeviceError: no such file, no telemetry file or one of another version.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._memory, self._inode = _map(path, writable=False)
        self._parts = _Sections(self._memory)
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
            for name, v in zip(_NAMES, self._whole.item(), strict=True)
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


class ParameterWriter:
    """Sets parameters of a running engine; any number of hosts may at the same time.

    Args:
        path: the telemetry file.

    Raises:
        DeviceError: as ``TelemetryReader``.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._memory, _ = _map(path, writable=True)
        self._parts = _Sections(self._memory)

    def set(self, name: str, value: float) -> None:
        """Store ``value`` in the slot ``name``; the engine takes it up within 40 ms.

        Raises:
            SettingError: there is no such parameter.
        """
        if name not in PARAMETERS:
            raise SettingError(
                f"There is no parameter {name!r}; there are: {', '.join(PARAMETERS)}."
            )
        self._parts.params[PARAMETERS.index(name)] = value

    def get(self, name: str) -> float:
        """The value that now stands in the slot ``name``."""
        return float(self._parts.params[PARAMETERS.index(name)])

    def bump(self, name: str) -> None:
        """Count one up: ``reset``, ``stop``, ``duck_off``."""
        self.set(name, self.get(name) + 1)

    def request(self, **content: Any) -> int:
        """Ask for something that is no number; ``Status.request_done`` reaches it.

        Known requests: ``processor=name, settings={…}``; ``seek_s=seconds``;
        ``levels=[[high, low], …]`` per channel (0: not clipped), None: detect again.

        Returns:
            The request's number. The event list tells of a refusal.
        """
        with self._locked():
            return self._parts.request.write(content)

    @contextmanager
    def _locked(self) -> Iterator[None]:
        import fcntl  # absent on Windows, where one host at a time must do

        with self.path.open("rb") as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            yield


def _map(path: Path, writable: bool) -> tuple[mmap.mmap, int]:
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
