"""Times hops of anything that takes blocks, hot or at the pace of live sound."""

import gc
import multiprocessing
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from time import perf_counter, process_time, sleep

import numpy as np
from numpy.typing import NDArray

from rtdeclip.types import Samples

MODES = ("hot", "paced")
Process = Callable[[Samples], object]


@dataclass(frozen=True, slots=True)
class Timing:
    """What a run took.

    Args:
        seconds: of every hop, ``(n_hops,)``.
        late: hops that were not done when the next was due.
        cpu_share: CPU time of the process over elapsed time.
    """

    seconds: NDArray[np.float64]
    late: int
    cpu_share: float


def timed(
    process: Process, blocks: Sequence[Samples], period_s: float, mode: str
) -> Timing:
    """Every block through ``process``, the garbage collector off.

    Args:
        process: takes a block of ``blocks``.
        blocks: in order.
        period_s: length of a block.
        mode: ``hot``: at once after the last; ``paced``: when its time has come.
    """
    gc.collect()
    gc.disable()
    try:
        cpu, start = process_time(), perf_counter()
        run = _paced if mode == "paced" else _hot
        seconds, late = run(process, blocks, period_s)
        share = (process_time() - cpu) / (perf_counter() - start)
    finally:
        gc.enable()
    return Timing(seconds, late, share)


def time_of(process: Process, block: Samples) -> float:
    """Seconds of one call."""
    start = perf_counter()
    process(block)
    return perf_counter() - start


def resident_mb() -> float:
    """Memory that this process holds, in MB; 0 where the system does not tell."""
    try:
        pages = int(Path("/proc/self/statm").read_text().split()[1])
    except OSError:
        return 0.0
    return pages * 4096 / 1e6


@contextmanager
def busy(n: int) -> Iterator[None]:
    """``n`` processes that compute without a pause beside what runs inside."""
    spawn = multiprocessing.get_context("spawn")
    others = [spawn.Process(target=_spin, daemon=True) for _ in range(n)]
    for other in others:
        other.start()
    try:
        yield
    finally:
        for other in others:
            other.terminate()
            other.join()


def _spin() -> None:
    """Reads and writes more memory than a cache holds, until it is ended."""
    data = np.zeros(4_000_000, np.float32)
    while True:
        data += 1.0


def _hot(
    process: Process, blocks: Sequence[Samples], period_s: float
) -> tuple[NDArray[np.float64], int]:
    seconds = np.array([time_of(process, block) for block in blocks])
    return seconds, int(np.count_nonzero(seconds > period_s))


def _paced(
    process: Process, blocks: Sequence[Samples], period_s: float
) -> tuple[NDArray[np.float64], int]:
    seconds = np.empty(len(blocks))
    late = 0
    start = perf_counter()
    for number, block in enumerate(blocks):
        due = start + number * period_s
        if (wait := due - perf_counter()) > 0:
            sleep(wait)
        seconds[number] = time_of(process, block)
        late += perf_counter() > due + period_s
    return seconds, late
