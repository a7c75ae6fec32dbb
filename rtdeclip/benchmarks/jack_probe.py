"""The far end: a JACK client that sends a known sound and judges what comes back.

It appears to PortAudio as a device called ``probe``. Its own process callback is
compiled, so that it measures the program and not itself. Every stretch of 32 samples
sent holds clipped and reliable samples; a reliable sample's value tells its position,
so the round trip is known for each block. The sound begins when somebody listens.

Run as ``python -m rtdeclip.benchmarks.jack_probe SECONDS``: it says ``PROBE READY``,
runs until its standard input closes and then prints its verdict as JSON. With
``swelling`` after the seconds the clipping changes between light and heavy. With
``loop`` it is a cable instead, called ``loop``: what is played to it can be captured
from it.
"""

import json
import os
import sys
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numba import carray, cfunc, types
from numpy.typing import NDArray

from rtdeclip.live import jack
from rtdeclip.live.atomic import as_pointer
from rtdeclip.types import Samples

NAME = "probe"
PERIOD_SAMPLES = 1 << 16
CLIP_LEVEL = 0.5
_CYCLES = 2047  # 1499 Hz at 48 kHz; no two cycles of the table are alike
_PEAK, _NOISE = 0.7, 0.02
_LIGHT, _HEAVY = 0.49, 2.0
SWELLING_SAMPLES = 1 << 19
"""5.5 s of light clipping, then as much of heavy, at 48 kHz."""
_AUDIO_TYPE = b"32 bit float mono audio"
_IS_INPUT, _IS_OUTPUT = 1, 2
# Words of the state handed to the compiled callback.
_POSITION, _XRUNS, _CAPACITY, _OUT_PORT, _IN_PORT, _TABLE, _RECORD, _MASK = range(8)


def probe_signal() -> Samples:
    """What is sent, again and again: ``(PERIOD_SAMPLES,)`` float32, clipped at 0.5."""
    return _clipped_tone(np.full(PERIOD_SAMPLES, _PEAK))


def swelling_signal() -> Samples:
    """The same with light and heavy clipping in turn: ``(SWELLING_SAMPLES,)``."""
    half = SWELLING_SAMPLES // 2
    return _clipped_tone(np.repeat((_LIGHT, _HEAVY), half))


SIGNALS = {"": probe_signal, "swelling": swelling_signal}


def _clipped_tone(peak: NDArray[np.float64]) -> Samples:
    n = np.arange(len(peak))
    noise = np.random.default_rng(1).uniform(-_NOISE, _NOISE, len(peak))
    tone = peak * np.sin(2.0 * np.pi * _CYCLES * n / PERIOD_SAMPLES) + noise
    return np.clip(tone, -CLIP_LEVEL, CLIP_LEVEL).astype(np.float32)


@dataclass(frozen=True, slots=True)
class Verdict:
    """What came back, from the first whole block to the last.

    Args:
        blocks: judged.
        bad_blocks: in which a reliable sample was wrong or the round trip was not that
            of most blocks.
        breaks: unbroken runs of such blocks: how often the sound was disturbed,
            however long each time. When the server takes a cycle from a client, all
            that the client holds at that moment leaves a cycle late, each sample
            bit-exact, until the hole in its input has come through. So one lost cycle
            makes the more blocks bad the longer the path is, 2 for a callback that
            copies, 5 for the engine at 256 samples; it breaks the sound once in both.
        rtt_samples: the round trip of most blocks.
        rtt_changes: how often it changed from one good block to the next.
        reliable_samples: unclipped ones in good blocks, all bit-exact.
        clipped_samples: clipped ones in good blocks.
        repaired_samples: of them, those beyond the clip level with their sign.
        xruns: as the JACK server counted them.
    """

    blocks: int
    bad_blocks: int
    breaks: int
    rtt_samples: int
    rtt_changes: int
    reliable_samples: int
    clipped_samples: int
    repaired_samples: int
    xruns: int


def judge(
    record: Samples, block: int, xruns: int = 0, sent: Samples | None = None
) -> Verdict:
    """Compares what was recorded with what was sent.

    Args:
        record: ``(n,)`` float32; sample i arrived when sample i of the signal left.
        block: samples per verdict.
        xruns: handed through.
        sent: the signal, sent again and again; None: ``probe_signal``.
    """
    sent = probe_signal() if sent is None else sent
    rows, trips = _judged(record, sent, block, 0)
    shift = 0
    if np.any(trips >= 0):
        # Blocks as they were sent: one that the server drops must not count as two
        # where the round trip is no whole number of blocks.
        shift = _most_common(trips[trips >= 0]) % block
        rows, trips = _judged(record, sent, block, shift)
    good = np.flatnonzero(trips >= 0)
    if not len(good):
        return Verdict(0, 0, 0, -1, 0, 0, 0, 0, xruns)
    rows, trips = rows[good[0] : good[-1] + 1], trips[good[0] : good[-1] + 1]
    whole = trips >= 0
    mode = _most_common(trips[whole])
    first = (np.flatnonzero(whole)[:, None] + good[0]) * block + shift
    at = first + np.arange(block)
    truth = sent[(at - trips[whole][:, None]) % len(sent)]
    clipped = np.abs(truth) >= CLIP_LEVEL
    repaired = clipped & (rows[whole] * np.sign(truth) > CLIP_LEVEL)
    return Verdict(
        len(rows),
        int((trips != mode).sum()),
        int((np.diff((trips != mode).astype(np.int8)) == 1).sum()),
        mode,
        int((np.diff(trips[whole]) != 0).sum()),
        int((~clipped).sum()),
        int(clipped.sum()),
        int(repaired.sum()),
        xruns,
    )


def _most_common(trips: NDArray[np.int64]) -> int:
    found, counts = np.unique(trips, return_counts=True)
    return int(found[np.argmax(counts)])


def _judged(
    record: Samples, sent: Samples, block: int, shift: int
) -> tuple[Samples, NDArray[np.int64]]:
    """The record in blocks from sample ``shift`` on, and their round trips."""
    n_blocks = (len(record) - shift) // block
    rows = record[shift : shift + n_blocks * block].reshape(n_blocks, block)
    return rows, _round_trips(rows, sent, shift)


def _round_trips(rows: Samples, sent: Samples, shift: int) -> NDArray[np.int64]:
    """Per block: its round trip in samples if all its reliable samples fit, else −1."""
    order = np.argsort(sent, kind="stable")
    n_blocks, block = rows.shape
    trips = np.full(n_blocks, -1, np.int64)
    last = -1
    for b in range(n_blocks):
        at = b * block + shift + np.arange(block)
        candidates = [last] if last >= 0 else []
        candidates += _candidates(rows[b], at, sent, order)
        for trip in candidates:
            truth = sent[(at - trip) % len(sent)]
            reliable = np.abs(truth) < CLIP_LEVEL
            if np.array_equal(rows[b][reliable], truth[reliable]):
                trips[b] = last = trip
                break
    return trips


def _candidates(
    row: Samples, at: NDArray[np.int64], sent: Samples, order: NDArray[np.int64]
) -> list[int]:
    """Round trips that the block's first unclipped values speak for."""
    picks = np.flatnonzero((np.abs(row) < CLIP_LEVEL) & (row != 0.0))[:3]
    found = []
    for i in picks:
        left = np.searchsorted(sent, row[i], "left", sorter=order)
        right = np.searchsorted(sent, row[i], "right", sorter=order)
        found += [int((at[i] - order[j]) % len(sent)) for j in range(left, right)]
    return found


class Probe:
    """The client: sends and records until it is closed.

    Args:
        seconds: room for the record.
        signal: what is sent, of ``SIGNALS``; ``loop``: what is heard, and that is also
            the client's name.

    Raises:
        OSError: no JACK library or server.
    """

    def __init__(self, seconds: float, signal: str = "") -> None:
        loop = signal == "loop"
        library = jack.library()
        name = "loop" if loop else NAME
        client = jack.open_client(library, name) if library else None
        if library is None or client is None:
            raise OSError("no JACK server answers")
        self._jack, self._client = library, client
        rate = int(library.jack_get_sample_rate(client))
        self.period = int(library.jack_get_buffer_size(client))
        self._table = SIGNALS["" if loop else signal]()
        self._record = np.zeros(round(seconds * rate), np.float32)
        self._state = np.zeros(16, np.int64)
        self._state[_MASK] = -1 if loop else len(self._table) - 1
        self._state[_CAPACITY] = len(self._record)
        self._state[_TABLE] = self._table.ctypes.data
        self._state[_RECORD] = self._record.ctypes.data
        # "capture" is what the program under test captures: an output of ours.
        self._state[_OUT_PORT] = self._port("capture_1", _IS_OUTPUT)
        self._state[_IN_PORT] = self._port("playback_1", _IS_INPUT)
        self._callbacks = _compile()
        self._start()

    def _port(self, name: str, flags: int) -> int:
        import ctypes

        register = self._jack.jack_port_register
        register.restype = ctypes.c_void_p
        register.argtypes = [
            ctypes.c_void_p,
            ctypes.c_char_p,
            ctypes.c_char_p,
            ctypes.c_ulong,
            ctypes.c_ulong,
        ]
        return int(register(self._client, name.encode(), _AUDIO_TYPE, flags, 0))

    def _start(self) -> None:
        import ctypes

        process, xrun = self._callbacks
        state = ctypes.c_void_p(self._state.ctypes.data)
        for name, call in (
            ("jack_set_process_callback", process),
            ("jack_set_xrun_callback", xrun),
        ):
            getattr(self._jack, name)(
                self._client, ctypes.c_void_p(call.address), state
            )
        if self._jack.jack_activate(self._client):
            raise OSError("the JACK server refuses the probe")

    def close(self) -> Verdict:
        """Stops and judges."""
        self._jack.jack_client_close(self._client)
        n = min(int(self._state[_POSITION]), len(self._record))
        xruns = int(self._state[_XRUNS])
        return judge(self._record[:n], self.period, xruns, self._table)


def _compile() -> tuple[Any, Any]:
    """JACK's process and xrun callbacks as machine code."""
    import llvmlite.binding

    llvmlite.binding.load_library_permanently("libjack.so.0")
    get_buffer = types.ExternalFunction(
        "jack_port_get_buffer", types.uintp(types.uintp, types.uint32)
    )

    connected = types.ExternalFunction("jack_port_connected", types.int32(types.uintp))

    def process(n: Any, user_data: Any) -> int:
        state = carray(as_pointer(user_data), (16,), np.int64)
        outgoing = get_buffer(types.uintp(state[_OUT_PORT]), types.uint32(n))
        incoming = get_buffer(types.uintp(state[_IN_PORT]), types.uint32(n))
        if outgoing == 0 or incoming == 0:
            return 0
        samples = types.int64(n)
        send = carray(as_pointer(outgoing), (samples,), np.float32)
        receive = carray(as_pointer(incoming), (samples,), np.float32)
        mask = state[_MASK]  # below zero: a cable
        table = carray(as_pointer(types.uintp(state[_TABLE])), (mask + 1,), np.float32)
        record = carray(
            as_pointer(types.uintp(state[_RECORD])), (state[_CAPACITY],), np.float32
        )
        start = state[_POSITION]
        if start == 0 and connected(types.uintp(state[_OUT_PORT])) == 0:
            for i in range(samples):
                send[i] = 0.0
            return 0
        for i in range(samples):
            send[i] = receive[i] if mask < 0 else table[(start + i) & mask]
            if start + i < state[_CAPACITY]:
                record[start + i] = receive[i]
        state[_POSITION] = start + samples
        return 0

    def xrun(user_data: Any) -> int:
        carray(as_pointer(user_data), (16,), np.int64)[_XRUNS] += 1
        return 0

    return (
        cfunc(types.int32(types.uint32, types.uintp))(process),
        cfunc(types.int32(types.uintp))(xrun),
    )


def main() -> None:
    """Until standard input closes."""
    probe = Probe(float(sys.argv[1]), *sys.argv[2:3])
    print("PROBE READY", flush=True)
    sys.stdin.read()
    print(json.dumps(asdict(probe.close())), flush=True)
    os._exit(0)  # the JACK library's threads need not be waited for


if __name__ == "__main__":
    main()
