"""Slow work beside the window: ``python -m rtdeclip.monitor.jobs NAME JSON``.

Each job prints JSON lines; the last one has ``done`` or ``error``.

==============  ====================================================================
``overview``    a file's waveform in columns with its clipped share, and its scan
``restore``     a file restored and written, with progress
``gains``       ΔSDR of processors, for the benchmark view
==============  ====================================================================
"""

import json
import os
import sys
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from rtdeclip.errors import RtdeclipError
from rtdeclip.files.chain import Chain
from rtdeclip.files.read import open_source
from rtdeclip.files.restore import restore_file
from rtdeclip.files.scan import scan, scan_row
from rtdeclip.stream.clip import Clip
from rtdeclip.stream.levels import LevelSchedule, ScheduledDetector
from rtdeclip.types import Samples

_BLOCK = 1 << 15


def overview(name: str, columns: int) -> Iterator[dict[str, Any]]:
    """A file at a glance.

    Args:
        name: of the file.
        columns: in how many stretches it is summed up, ≥ 1.

    Yields:
        ``{"scan": …}`` (a row of ``rtdeclip scan``) with ``n_samples``, then
        ``{"done", "low", "high", "clipped"}``: extremes and clipped share per column.
    """
    source = open_source(name)
    found = scan(source)
    source.close()
    row = scan_row(name, found)
    yield {"scan": row, "n_samples": found.n_samples, "n_channels": len(found.levels)}
    columns = min(columns, found.n_samples)
    low, high, clipped = np.zeros(columns), np.zeros(columns), np.zeros(columns)
    for at, block, hit in _masked(name, found.levels):
        places = (at + np.arange(len(block))) * columns // found.n_samples
        np.minimum.at(low, places, block.min(axis=1))
        np.maximum.at(high, places, block.max(axis=1))
        np.add.at(clipped, places, hit)
    share = clipped * columns / found.n_samples
    yield {
        "done": True,
        "low": low.round(4).tolist(),
        "high": high.round(4).tolist(),
        "clipped": np.minimum(share, 1.0).round(4).tolist(),
    }


def _masked(
    name: str, levels: list[LevelSchedule]
) -> Iterator[tuple[int, Samples, Samples]]:
    """Position, block, and for each sample whether any channel is clipped."""
    detectors = [ScheduledDetector(schedule, _BLOCK) for schedule in levels]
    clip = Clip(_BLOCK)
    source = open_source(name)
    at = 0
    while len(block := source.read(_BLOCK)):
        full = np.zeros((_BLOCK, block.shape[1]), np.float32)
        full[: len(block)] = block
        hit = np.zeros(_BLOCK, np.float32)
        for c, detector in enumerate(detectors):
            detector.process(np.ascontiguousarray(full[:, c]), clip)
            hit = np.maximum(hit, np.abs(clip.sign))
        yield at, block, hit[: len(block)]
        at += len(block)
    source.close()


def restore(
    name: str, target: str, processor: str, settings: dict[str, Any]
) -> Iterator[dict[str, Any]]:
    """A file restored.

    Yields:
        ``{"step", "share"}`` now and then (printed by the progress call), and last
        ``{"done", "row"}`` with the row that ``rtdeclip file --json`` prints.
    """

    def progress(step: str, n: float, total: float | None) -> None:
        say({"step": step, "share": n / total if total else 0.0})

    chain = Chain(processor=processor, settings=settings)
    chain.check()
    yield {"done": True, "row": restore_file(name, target, chain, progress).row()}


def gains(processors: list[str]) -> Iterator[dict[str, Any]]:
    """What processors win on the demo's string.

    Yields:
        ``{"gain", "delta_sdr_db"}``: a processor's name and its ΔSDR.
    """
    from rtdeclip.benchmarks.demo import takes
    from rtdeclip.metrics.sdr import delta_sdr_db
    from rtdeclip.stream.offline import find_levels
    from rtdeclip.stream.offline import restore as restored
    from rtdeclip.stream.registry import find

    rates = {take.sample_rate: take for take in takes()}  # the last of each: strings
    for name in processors:
        method = find(name)
        able = [r for r in rates if not method.rates or r in method.rates]
        if not able:
            continue
        take = rates[max(able)]
        y = take.clipped[:, None]
        x = restored(y, take.sample_rate, method, find_levels(y, take.sample_rate))
        gain = float(delta_sdr_db(take.clean, take.clipped, x[:, 0]))
        yield {"gain": name, "delta_sdr_db": gain}
    yield {"done": True}


JOBS: dict[str, Callable[..., Iterator[dict[str, Any]]]] = {
    "overview": overview,
    "restore": restore,
    "gains": gains,
}


def say(line: dict[str, Any]) -> None:
    """One JSON line."""
    print(json.dumps(line), flush=True)


def main() -> int:
    """Runs the job that the command line names; the exit code."""
    os.nice(10)  # the sound comes first
    name, arguments = sys.argv[1], json.loads(sys.argv[2])
    try:
        for line in JOBS[name](**arguments):
            say(line)
    except RtdeclipError as error:
        say({"error": str(error)})
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
