"""``bench rtf --full`` adds: whole-signal methods, compile times, several cores."""

import multiprocessing
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from multiprocessing.synchronize import Barrier
from time import perf_counter, process_time
from typing import Any

from rtdeclip.benchmarks.rtf import Case, measure, signal, streaming_methods
from rtdeclip.errors import RtdeclipError
from rtdeclip.stream.offline import find_levels, restore
from rtdeclip.stream.processor import Method
from rtdeclip.stream.registry import listings

WHOLE_S = 1.0
SETTLED_S = 120.0  # a process that has not begun by then never will
_BUILD = (
    "import sys; from rtdeclip.benchmarks.rtf import Case, measure;"
    "measure(Case(sys.argv[1], int(sys.argv[2]), seconds=0.1))"
)
_together: Barrier


@dataclass(frozen=True, slots=True)
class Whole:
    """The speed of something that takes a whole signal.

    Args:
        processor: its name.
        sample_rate: Hz.
        severity: of the signal.
        seconds: its length.
        rtf: CPU time over audio time, one core.
    """

    processor: str
    sample_rate: int
    severity: str
    seconds: float
    rtf: float

    def as_dict(self) -> dict[str, Any]:
        """As plain data."""
        return asdict(self)


@dataclass(frozen=True, slots=True)
class Compiled:
    """How long a processor takes to be ready, in seconds of a new process.

    Args:
        processor: its name.
        sample_rate: Hz.
        cold_s: with an empty cache: every kernel is compiled.
        warm_s: the second time.
    """

    processor: str
    sample_rate: int
    cold_s: float
    warm_s: float

    def as_dict(self) -> dict[str, Any]:
        """As plain data."""
        return asdict(self)


@dataclass(frozen=True, slots=True)
class Scaled:
    """Several streams at once, each a process of its own; RTFs of the slowest.

    Args:
        processor: its name.
        sample_rate: Hz.
        streams: how many.
        rtf_p50: per hop.
        rtf_p99: per hop.
    """

    processor: str
    sample_rate: int
    streams: int
    rtf_p50: float
    rtf_p99: float

    def as_dict(self) -> dict[str, Any]:
        """As plain data."""
        return asdict(self)


def whole_methods() -> list[Method]:
    """Whole-signal methods for daily use, by name."""
    found = [entry.method for entry in listings("processors").values() if entry.method]
    return [m for m in found if m.kind != "processor" and not m.note]


def whole(
    methods: Sequence[Method], severity: str = "heavy", seconds: float = WHOLE_S
) -> Iterator[Whole]:
    """Each method on made-up sound, at 44.1 kHz or its own rate; failing ones not."""
    for method in methods:
        rate = method.rates[0] if method.rates else 44100
        y = signal(severity, seconds, rate)[:, None].copy()
        levels = find_levels(y, rate)
        try:
            restore(y[: rate // 4], rate, method, find_levels(y[: rate // 4], rate))
            start = process_time()
            restore(y, rate, method, levels)
        except RtdeclipError:  # one that needs settings, or other distortion
            continue
        rtf = (process_time() - start) / seconds
        yield Whole(method.name, rate, severity, seconds, rtf)


def compiled(names: Sequence[str] = ()) -> Iterator[Compiled]:
    """Each streaming processor in new processes, numba's cache empty and then filled.

    Raises:
        subprocess.CalledProcessError: one cannot be built.
    """
    for method in streaming_methods():
        if names and method.name not in names:
            continue
        rate = method.rates[0] if method.rates else 48000
        command = [sys.executable, "-c", _BUILD, method.name, str(rate)]
        with tempfile.TemporaryDirectory() as cache:
            took = []
            for _ in range(2):
                start = perf_counter()
                subprocess.run(
                    command, env=os.environ | {"NUMBA_CACHE_DIR": cache}, check=True
                )
                took.append(perf_counter() - start)
        yield Compiled(method.name, rate, *took)


def scaled(cases: Sequence[Case], streams: int) -> Iterator[Scaled]:
    """Every case in so many processes at once, all timed while the others are."""
    spawn = multiprocessing.get_context("spawn")
    barrier = spawn.Barrier(streams)
    with spawn.Pool(streams, _join, (barrier,)) as pool:
        for case in cases:
            rows = pool.map(_measured, [replace(case)] * streams, chunksize=1)
            yield Scaled(
                case.processor,
                case.sample_rate,
                streams,
                max(p50 for p50, _ in rows),
                max(p99 for _, p99 in rows),
            )


def _join(barrier: Barrier) -> None:
    global _together
    _together = barrier


def _measured(case: Case) -> tuple[float, float]:
    row = measure(case, lambda: _together.wait(SETTLED_S))
    return row.rtf_p50, row.rtf_p99
