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
        cpu_s: CPU time of this process in every hop, ``(n_hops,)``: what the hop costs,
            whatever else the machine does; more than elapsed where threads help.
        late: hops that were not done when the next was due.
        cpu_share: CPU time of the process over elapsed time.
    """

    seconds: NDArray[np.float64]
    cpu_s: NDArray[np.float64]
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
    both = np.empty((len(blocks), 2))
    gc.collect()
    gc.disable()
    try:
        cpu, start = process_time(), perf_counter()
        late = _run(process, blocks, period_s if mode == "paced" else 0.0, both)
        share = (process_time() - cpu) / (perf_counter() - start)
    finally:
        gc.enable()
    seconds, cpu_s = both.T
    if mode != "paced":
        late = int(np.count_nonzero(seconds > period_s))
    return Timing(seconds, cpu_s, late, share)


def time_of(process: Process, block: Samples) -> tuple[float, float]:
    """Seconds of one call: elapsed, and CPU time of this process."""
    cpu = process_time()
    start = perf_counter()
    process(block)
    elapsed = perf_counter() - start
    return elapsed, process_time() - cpu


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


def _run(
    process: Process,
    blocks: Sequence[Samples],
    period_s: float,
    both: NDArray[np.float64],
) -> int:
    """Fills ``both``; hops that ended after the next was due, if there is a pace."""
    late = 0
    start = perf_counter()
    for number, block in enumerate(blocks):
        due = start + number * period_s
        if period_s and (wait := due - perf_counter()) > 0:
            sleep(wait)
        both[number] = time_of(process, block)
        late += perf_counter() > due + period_s
    return late
