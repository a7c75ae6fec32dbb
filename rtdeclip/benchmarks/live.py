"""``rtdeclip bench live``: glitches of the live engine beside simpler ways, one by one.

Each row runs a fresh JACK server's dummy device with a probe at the far end:

``engine``                       this program: compiled callback, rings, audio process
``bare_passthrough``             a compiled callback that only copies: the floor
``python_callback``              the same Stream inside an ordinary Python callback
``python_callback_own_process``  … in a process of its own: the fair peer

With the hog a thread of pure Python computes beside it: in the host's process for
``engine`` and ``python_callback_own_process``, in the same one for the others. Compare
rows of one run on one machine; absolute counts are the machine's.
"""

import json
import os
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from typing import IO, Any

import numpy as np

from rtdeclip.benchmarks.jack_server import JackServer, jack_server
from rtdeclip.benchmarks.stalls import watched
from rtdeclip.errors import DeviceError
from rtdeclip.live.config import LiveConfig
from rtdeclip.live.supervisor import Supervisor

VARIANTS = (
    "engine",
    "bare_passthrough",
    "python_callback",
    "python_callback_own_process",
)
_START_S = 180.0
FLAGS = ("input_overflow", "input_underflow", "output_overflow", "output_underflow")
"""PortAudio's, each counted for itself."""
_OWN = ("own_underruns", "late_hops", "device_stalls", "device_rushes")
"""What the engine counts of itself."""


@dataclass(frozen=True, slots=True)
class Row:
    """One variant at one block length; what a variant cannot know is None.

    Args:
        variant: one of ``VARIANTS``.
        block: samples per callback.
        hog: a busy Python thread ran beside it.
        scheduler: of the thread that processes.
        callbacks: how many there were.
        flags: over- and underflows that PortAudio flagged, up to two a callback.
        own_underruns: positions not filled although their block had come at least
            one block before and the callback gap was at most 1.5 periods. In a
            callback less than half a period after the last, the last one's block is
            not yet a block old.
        late_hops: hops of which a sample was played dry.
        device_stalls: callbacks more than 1.5 periods after the last.
        device_rushes: callbacks less than half a period after it: the device was held
            up and catches up.
        bad_blocks: at the far end, of ``blocks``: a reliable sample was wrong or the
            round trip was another.
        breaks: unbroken runs of them: compare these between variants. A cycle that the
            server takes from a client is one break in every variant, but more bad
            blocks the longer the path is (``jack_probe.Verdict``).
        blocks: judged at the far end.
        repaired_samples: clipped samples that came back beyond the clip level.
        rtt_samples: the measured round trip.
        stated_samples: the stated one.
        wake_p50_us: callback to worker.
        wake_p99_us: the same.
        cpu_share: CPU time of the audio process per second, of one core.
        xruns: as the JACK server counted.
        machine_stalls: times a thread of highest priority that only sleeps woke more
            than one block late: nothing on this machine could keep time then.
        machine_worst_ms: the latest it woke.
    """

    variant: str
    block: int
    hog: bool
    scheduler: str
    callbacks: int
    flags: int
    own_underruns: int | None
    late_hops: int | None
    device_stalls: int | None
    device_rushes: int | None
    bad_blocks: int
    breaks: int
    blocks: int
    repaired_samples: int
    rtt_samples: int
    stated_samples: int | None
    wake_p50_us: float | None
    wake_p99_us: float | None
    cpu_share: float
    xruns: int
    machine_stalls: int | None
    machine_worst_ms: float | None


def run(
    blocks: Sequence[int],
    seconds: float,
    hogs: Sequence[bool] = (False,),
    processor: str = "cubic",
    variants: Sequence[str] = VARIANTS,
    priority: int = 60,
) -> Iterator[Row]:
    """One row after the other, as they are measured.

    Raises:
        MissingExtraError: no jackd.
        DeviceError: a server or a variant does not start.
    """
    for block in blocks:
        for hog in hogs:
            for variant in variants:
                with jack_server(48000, block) as server:
                    yield _measure(variant, server, block, hog, seconds, processor,
                                   priority)  # fmt: skip


def _measure(
    variant: str,
    server: JackServer,
    block: int,
    hog: bool,
    seconds: float,
    processor: str,
    priority: int,
) -> Row:
    with probe(server, seconds + _START_S) as verdict_of:
        with watched(1e3 * block / 48000) as machine:
            if variant == "engine":
                found = _engine(server, block, hog, seconds, processor, priority)
            else:
                found = _peer(variant, server, block, hog, seconds, processor)
        verdict = verdict_of()
    kept = (
        "bad_blocks",
        "breaks",
        "blocks",
        "repaired_samples",
        "rtt_samples",
        "xruns",
    )
    return Row(
        variant=variant,
        block=block,
        hog=hog,
        **{name: verdict[name] for name in kept},
        **found,
        **machine,
    )


@contextmanager
def probe(server: JackServer, seconds: float) -> Iterator[Any]:
    """The far end; yields what gives its verdict."""
    process = subprocess.Popen(
        [sys.executable, "-m", "rtdeclip.benchmarks.jack_probe", str(seconds)],
        env=server.env,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    try:
        if _line(process.stdout) != "PROBE READY":
            raise DeviceError("The probe does not start. See: rtdeclip doctor")
        yield lambda: json.loads(process.communicate(timeout=120)[0])
    finally:
        if process.poll() is None:
            process.kill()
            process.communicate()


def _line(pipe: IO[str] | None) -> str:
    assert pipe is not None
    return pipe.readline().strip()


@contextmanager
def python_hog(busy: bool) -> Iterator[None]:
    """A thread of pure Python that never rests, while the ``with`` block runs."""
    stop = threading.Event()

    def work() -> None:
        n = 0
        while not stop.is_set():
            for _ in range(1000):
                n = (n * 31 + 7) % 1000003

    thread = threading.Thread(target=work, daemon=True)
    if busy:
        thread.start()
    try:
        yield
    finally:
        stop.set()
        if busy:
            thread.join()


def _engine(
    server: JackServer,
    block: int,
    hog: bool,
    seconds: float,
    processor: str,
    priority: int,
) -> dict[str, Any]:
    config = LiveConfig(
        input="probe",
        output="probe",
        headroom="off",
        block=block,
        processor=processor,
        priority=priority,
    )
    session = Supervisor(config, env=server.env)
    session.start()
    try:
        session.wait_until_running(_START_S)
        assert session.reader is not None
        cpu, begin = session.reader.status().cpu_s, time.monotonic()
        with python_hog(hog):
            while time.monotonic() < begin + seconds:
                session.poll()
                time.sleep(0.1)
        cpu = session.reader.status().cpu_s - cpu
    finally:
        session.stop()
    end = session.summary
    return {
        "scheduler": ("ordinary", "SCHED_FIFO", "SCHED_RR")[end["scheduler"]],
        "callbacks": end["callbacks"],
        "flags": sum(end[f"{name}s"] for name in FLAGS),
        **{name: end[name] for name in _OWN},
        "stated_samples": session.info["latency_samples"],
        "wake_p50_us": end["wake_p50_us"],
        "wake_p99_us": end["wake_p99_us"],
        "cpu_share": cpu / seconds,
    }


def _peer(
    variant: str,
    server: JackServer,
    block: int,
    hog: bool,
    seconds: float,
    processor: str,
) -> dict[str, Any]:
    """A simpler way in a process of its own; the hog sits there or here."""
    own_process = variant == "python_callback_own_process"
    words = [variant, str(block), str(seconds), str(int(hog and not own_process))]
    process = subprocess.Popen(
        [sys.executable, "-m", "rtdeclip.benchmarks.live_peers", *words, processor],
        env=server.env,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    try:
        with python_hog(hog and own_process):
            out, _ = process.communicate(timeout=seconds + 2 * _START_S)
    finally:
        if process.poll() is None:
            process.kill()
            process.communicate()
    if process.returncode:
        raise DeviceError(f"The variant {variant} failed. See: rtdeclip doctor")
    found: dict[str, Any] = json.loads(out.strip().splitlines()[-1])
    return {
        "scheduler": "the callback's",
        **dict.fromkeys(_OWN),
        "wake_p50_us": None,
        "wake_p99_us": None,
        **found,
    }


@dataclass(frozen=True, slots=True)
class Soak:
    """Hours of sound by the simulated clock.

    Args:
        hours: of sound.
        callbacks: simulated.
        late_samples: must be 0.
        latency_constant: every block left exactly L after it came.
        counters_exact: positions captured, published and played add up.
        grown_kib: growth of the process's memory after the first tenth.
    """

    hours: float
    callbacks: int
    late_samples: int
    latency_constant: bool
    counters_exact: bool
    grown_kib: int


def soak(hours: float, block: int = 1024, processor: str = "cubic") -> Soak:
    """The engine for so many simulated hours, as fast as it computes.

    Args:
        hours: of sound at 48 kHz.
        block: samples per callback.
        processor: what runs.
    """
    from rtdeclip.live import ring as r
    from rtdeclip.live.engine import Engine, build_stream, plan_layout, warm_stream
    from rtdeclip.live.simulate import SimulatedClock, SimulatedDevice

    config = LiveConfig(
        block=block, channels=1, processor=processor, headroom="off", hop=block
    )
    stream, _ = build_stream(config, 48000, 1)
    warm_stream(stream)
    clock = SimulatedClock()
    engine = Engine(config, plan_layout(config, 1, 1), stream, 48000, clock_ns=clock)
    device = SimulatedDevice(engine, clock)
    latency = engine.budget.engine_samples
    n = round(hours * 3600 * 48000 / block)
    # Quiet noise: nothing is clipped, so each sample tells its place bit for bit.
    noise = np.random.default_rng(0).uniform(-0.1, 0.1, (64 * block, 1))
    sound = noise.astype(np.float32)
    steady, before = True, 0
    for i in range(n):
        at = (i % 64) * block
        out = device.callback(sound[at : at + block])
        device.work()
        if i > latency // block + 64 and i % 97 == 0:
            rows = np.arange(at - latency, at - latency + block) % len(sound)
            steady = steady and np.array_equal(out, sound[rows])
        if i == n // 10:
            before = _resident_kib()
    words = engine.memory.words
    exact = (
        int(words[r.CAPTURED]) == n * block
        and int(words[r.PUBLISHED]) == n * block - stream.latency_samples
        and int(words[r.PLAYED]) == n * block - latency
        and int(words[r.CALLBACKS]) == n
    )
    grown = _resident_kib() - before
    return Soak(hours, n, int(words[r.LATE_SAMPLES]), steady, exact, grown)


def _resident_kib() -> int:
    with open("/proc/self/statm") as file:
        return int(file.read().split()[1]) * os.sysconf("SC_PAGE_SIZE") // 1024


def as_dict(row: Row | Soak) -> dict[str, Any]:
    """The row as plain data."""
    return asdict(row)
