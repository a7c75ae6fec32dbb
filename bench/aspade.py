"""The targets of the sparse family, each measured: ``python -m bench.aspade``.

    OMP_NUM_THREADS=1 python -m bench.aspade
    OMP_NUM_THREADS=1 python -m bench.aspade --only speed quality --json

Sections: ``speed`` (RTF, worst frame, time of an iteration), ``whole`` (whole signals
in frames of 8192, one and two cores), ``compile`` (every kernel of ``warmup`` from
cold), ``quality`` (ΔSDR at θ = 0.2 · peak), ``curve`` (mean ΔSDR over input SDRs),
``best`` (the same of ``best``, beside A-SPADE in frames of 8192), ``memory`` (the peak
of ``rtdeclip file`` on a short and a long file). The audio is ``test/music`` and
``test/speech`` of ``RTDECLIP_DATA`` or ``../shared/data``.

Times are CPU time of one thread, so a busy machine hardly shows in them: RTF per file,
median and worst; a frame's time the least of ``PASSES``, then the worst frame. Only
the gain of a second core is a ratio of elapsed times. Targets stand beside what was
measured.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from resource import RUSAGE_CHILDREN, getrusage
from time import perf_counter, process_time, thread_time, thread_time_ns
from typing import TypeAlias

import numpy as np
import soundfile

from bench.classical import excerpts
from rtdeclip.benchmarks.machine import describe
from rtdeclip.distortion import Clipped, clip_at_fraction, clip_to_sdr
from rtdeclip.metrics.sdr import delta_sdr_db
from rtdeclip.processors import aspade, best
from rtdeclip.processors.spade_kernel import Schedule, SpadeFrame
from rtdeclip.processors.spade_signal import aspade_estimate
from rtdeclip.stream.clip import Plateau
from rtdeclip.stream.levels import LevelSchedule, Segment
from rtdeclip.stream.offline import restore
from rtdeclip.stream.overlap_add import OverlapAdd, sine_window
from rtdeclip.stream.processor import Method
from rtdeclip.types import Samples, Signs

Audio: TypeAlias = list[tuple[Samples, int]]

INPUT_SDRS_DB = (1, 3, 5, 7, 10, 15, 20)
WORST_DB = (1, 3, 7)  # among them is the severity that costs most
PASSES = 3
SPEED_S = 2.0
# (folder, window) → largest RTF of a file, largest time of a frame in ms
SPEEDS = {
    ("test/music", 1024): (0.08, 1.0),
    ("test/music", 2048): (0.13, None),
    ("test/music", 4096): (0.18, None),
    ("test/speech", 512): (0.025, None),
}
ITERATION_US = 3.5
QUALITIES = {("test/speech", 512): 8.5, ("test/music", 1024): 10.0}
QUALITIES[("test/music", 2048)] = 11.3
CURVE = {1024: 11.7, 2048: 13.4, 4096: 14.7}
WHOLE_WINDOW, WHOLE_RTF, TWO_CORES = 8192, 0.25, 1.6
COMPILE_S = 90.0
BEST_DB = 16.3
MINUTES = (2, 60)


def audio(folder: str, seconds: float) -> Audio:
    """The first channel of every file, from the beginning on."""
    return [(x[:, 0], rate) for x, rate in excerpts(folder, 0, seconds, start_s=0.0)]


def short(files: Audio) -> Audio:
    """A stretch of each file that is enough for its times."""
    return [(x[rate // 2 :][: int(SPEED_S * rate)], rate) for x, rate in files]


@dataclass(frozen=True, slots=True)
class Row:
    """One measured number; ``met`` is None where nothing is to be reached here."""

    what: str
    value: float
    target: str = ""
    met: bool | None = None


class TimedFrame:
    """``SpadeFrame`` that notes what every frame takes.

    Attributes:
        ns: CPU time of each frame, nanoseconds.
        counts: its iterations.
    """

    def __init__(self, window: int, schedule: Schedule) -> None:
        self.window = window
        self._kernel = SpadeFrame(window, schedule)
        self.ns: list[int] = []
        self.counts: list[int] = []

    def restore(
        self, frame: Samples, sign: Signs, bound: Samples, out: Samples
    ) -> None:
        start = thread_time_ns()
        self._kernel.restore(frame, sign, bound, out)
        self.ns.append(thread_time_ns() - start)
        self.counts.append(self._kernel.iterations)


def timed(window: int, kernel: TimedFrame) -> Method:
    sine = sine_window(window)
    return Method("timed", "", lambda rate: OverlapAdd(kernel, window // 4, sine, sine))


def streaming(window: int) -> Method:
    """``aspade`` as it is, of a frame length in samples."""
    return Method(
        "aspade", "", lambda rate: aspade.make(rate, window_ms=1e3 * window / rate)
    )


def restored(method: Method, clipped: Clipped, rate: int) -> Samples:
    """``(n,)``, by the same path as a file takes."""
    plateaus = Plateau.digital(clipped.high), Plateau.digital(clipped.low)
    levels = LevelSchedule((Segment(0, len(clipped.audio), *plateaus),))
    return restore(clipped.audio[:, None], rate, method, [levels])[:, 0]


def best_rtf(method: Method, clipped: Clipped, rate: int) -> float:
    """CPU time over audio time, the least of ``PASSES``."""
    spent = []
    for _ in range(PASSES):
        start = thread_time()
        restored(method, clipped, rate)
        spent.append(thread_time() - start)
    return min(spent) * rate / len(clipped.audio)


def frame_times(window: int, clipped: Clipped, rate: int) -> tuple[float, float]:
    """The worst frame in ms, and the time of an iteration in µs."""
    passes = []
    for _ in range(PASSES):
        kernel = TimedFrame(window, Schedule())
        restored(timed(window, kernel), clipped, rate)
        passes.append(kernel.ns)
    least = np.min(passes, axis=0)
    return float(least.max()) * 1e-6, float(least.sum() / sum(kernel.counts)) * 1e-3


def speed(music: Audio, speech: Audio) -> Iterator[Row]:
    for (folder, window), (rtf, frame_ms) in SPEEDS.items():
        files = music if folder == "test/music" else speech
        tables = []
        for sdr_db in WORST_DB:
            table = []
            for x, rate in files:
                clipped = clip_to_sdr(x, sdr_db)
                first = best_rtf(streaming(window), clipped, rate)
                table.append((first, *frame_times(window, clipped, rate)))
            tables.append(np.array(table))
        worst = max(tables, key=lambda table: float(np.median(table[:, 0])))
        name = f"{folder} w {window}, "
        yield row(name + "RTF, median file", float(np.median(worst[:, 0])), high=rtf)
        slowest = max(float(table[:, 0].max()) for table in tables)
        yield row(name + "RTF, worst file", slowest, high=rtf)
        late = max(float(table[:, 1].max()) for table in tables)
        yield row(name + "worst frame, ms", late, high=frame_ms)
        limit = ITERATION_US if window == 1024 else None
        turn = float(np.median(worst[:, 2]))
        yield row(name + "an iteration, µs", turn, high=limit)


def whole(music: Audio) -> Iterator[Row]:
    cpu, ratios = [], []
    for x, rate in music:
        clipped = clip_to_sdr(x, 1)
        bound = np.where(clipped.sign != 0, clipped.high, 0).astype(np.float32)
        walls = []
        for threads in (1, 2):
            tries = []
            for _ in range(PASSES):
                start, begin = process_time(), perf_counter()
                aspade_estimate(
                    clipped.audio,
                    clipped.sign,
                    bound,
                    WHOLE_WINDOW,
                    threads=threads,
                )
                tries.append((perf_counter() - begin, process_time() - start))
            walls.append(min(wall for wall, _ in tries))
            if threads == 1:
                cpu.append(min(spent for _, spent in tries) * rate / len(x))
        ratios.append(walls[0] / walls[1])
    name = f"test/music whole signal w {WHOLE_WINDOW}, "
    yield row(name + "RTF, median file", float(np.median(cpu)), high=WHOLE_RTF)
    yield row(name + "RTF, worst file", max(cpu), high=WHOLE_RTF)
    yield row(name + "two cores, times", float(np.median(ratios)), low=TWO_CORES)


def compile_time() -> Iterator[Row]:
    with tempfile.TemporaryDirectory() as folder:
        before = getrusage(RUSAGE_CHILDREN)
        begin = perf_counter()
        subprocess.run(
            [sys.executable, "-m", "rtdeclip", "warmup", "--quiet"],
            env=dict(os.environ, NUMBA_CACHE_DIR=folder),
            check=True,
        )
        wall, after = perf_counter() - begin, getrusage(RUSAGE_CHILDREN)
    cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    yield row("all kernels from cold (warmup), CPU s", cpu, high=COMPILE_S)
    yield row("all kernels from cold (warmup), elapsed s", wall)


def gains(files: Audio, window: int, clip: Callable[[Samples], Clipped]) -> list[float]:
    found = []
    for x, rate in files:
        clipped = clip(x)
        out = restored(streaming(window), clipped, rate)
        found.append(delta_sdr_db(x, clipped.audio, out))
    return found


def quality(music: Audio, speech: Audio) -> Iterator[Row]:
    for (folder, window), least in QUALITIES.items():
        files = music if folder == "test/music" else speech
        found = gains(files, window, partial(clip_at_fraction, fraction=0.2))
        name = f"{folder} w {window}, θ 0.2·max, ΔSDR dB, "
        yield row(name + "mean", float(np.mean(found)), low=least)
        yield row(name + "worst file", min(found))


def curve(music: Audio) -> Iterator[Row]:
    """The targets are for the survey's ten excerpts; these are other pieces."""
    for window in CURVE:
        means = []
        for sdr_db in INPUT_SDRS_DB:
            found = gains(music, window, partial(clip_to_sdr, sdr_db=sdr_db))
            means.append(float(np.mean(found)))
            yield row(f"test/music w {window}, {sdr_db} dB in, ΔSDR dB", means[-1])
        name = f"test/music w {window}, 1–20 dB in, mean ΔSDR dB"
        target = f"≥ {CURVE[window]:g} on the survey's excerpts"
        yield Row(name, float(np.mean(means)), target)


def best_rows(music: Audio) -> Iterator[Row]:
    """``best`` in this process on one thread, so that its time is CPU time."""
    one = Method("best", "", lambda rate: best.make(rate, threads=1))
    means, costs, margins = [], [], []
    for sdr_db in INPUT_SDRS_DB:
        table = []
        for x, rate in music:
            clipped = clip_to_sdr(x, sdr_db)
            start = thread_time()
            out = restored(one, clipped, rate)
            costs.append((thread_time() - start) * rate / len(x))
            alone = restored(streaming(WHOLE_WINDOW), clipped, rate)
            table.append(
                [delta_sdr_db(x, clipped.audio, z) for z in (out, alone)],
            )
        gains = np.array(table)
        means.append(gains.mean(axis=0))
        margins.append(float((gains[:, 0] - gains[:, 1]).min()))
        name = f"test/music {sdr_db} dB in, "
        yield row(name + "best ΔSDR dB", float(means[-1][0]))
        yield row(name + f"aspade {WHOLE_WINDOW} ΔSDR dB", float(means[-1][1]))
        yield row(name + "best − aspade, worst file, dB", margins[-1])
    whole = np.mean(means, axis=0)
    target = f"≥ {BEST_DB:g} on the survey's excerpts"
    yield Row("test/music best, mean ΔSDR dB", float(whole[0]), target)
    yield row(f"test/music aspade {WHOLE_WINDOW}, mean ΔSDR dB", float(whole[1]))
    yield row("best − aspade, worst file, dB", min(margins), low=0.0)
    yield row("best RTF of one core, median", float(np.median(costs)))
    yield row("best two cores, times", two_core_gain(music), low=TWO_CORES)


def two_core_gain(music: Audio) -> float:
    """How much sooner a second core is done, of elapsed times."""
    ratios = []
    for x, rate in music[:3]:
        clipped = clip_to_sdr(x, 3)
        walls = []
        for threads in (1, 2):
            method = Method("best", "", partial(best.make, threads=threads))
            tries = []
            for _ in range(PASSES):
                begin = perf_counter()
                restored(method, clipped, rate)
                tries.append(perf_counter() - begin)
            walls.append(min(tries))
        ratios.append(walls[0] / walls[1])
    return float(np.median(ratios))


def memory_rows(music: Audio) -> Iterator[Row]:
    """Two files at 48 kHz stereo: one minute of clipped music, then silence."""
    sound = np.concatenate([x for x, rate in music if rate == 44100])[: 10 * 48000]
    clipped = clip_at_fraction(sound, 0.3).audio
    peaks = []
    for minutes in MINUTES:
        with tempfile.TemporaryDirectory() as folder:
            given, got = Path(folder, "in.wav"), Path(folder, "out.wav")
            with soundfile.SoundFile(given, "w", 48000, 2, "PCM_16") as file:
                file.write(np.repeat(clipped[:, None], 2, axis=1))
                silence = np.zeros((48000, 2), np.float32)
                for _ in range(minutes * 60 - len(clipped) // 48000):
                    file.write(silence)
            code = (
                "import resource, sys; from rtdeclip.cli.main import app; "
                f"sys.argv = ['rtdeclip', 'file', {str(given)!r}, {str(got)!r}]\n"
                "try: app()\n"
                "except SystemExit: pass\n"
                "print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)"
            )
            done = subprocess.run(
                [sys.executable, "-c", code], capture_output=True, text=True, check=True
            )
        peaks.append(int(done.stdout.split()[-1]) / 1024)
        yield row(f"best, file of {minutes} min stereo, peak memory MiB", peaks[-1])
    grown = peaks[-1] / peaks[0]
    yield row("best, memory, long over short file", grown, high=1.1)


def row(
    what: str, value: float, low: float | None = None, high: float | None = None
) -> Row:
    if low is not None:
        return Row(what, value, f"≥ {low:g}", value >= low)
    if high is not None:
        return Row(what, value, f"≤ {high:g}", value <= high)
    return Row(what, value)


def all_rows(chosen: Sequence[str], seconds: float) -> Iterator[Row]:
    music, speech = (audio(folder, seconds) for folder in ("test/music", "test/speech"))
    if "quality" in chosen:
        yield from quality(music, speech)
    if "curve" in chosen:
        yield from curve(music)
    if "speed" in chosen:
        yield from speed(short(music), short(speech))
    if "whole" in chosen:
        yield from whole(short(music))
    if "best" in chosen:
        yield from best_rows(music)
    if "memory" in chosen:
        yield from memory_rows(music)
    if "compile" in chosen:
        yield from compile_time()


def report(found: Iterable[Row], *, as_json: bool) -> None:
    """Prints rows as they come, or all of them and the machine as JSON."""
    rows = []
    for one in found:
        rows.append(asdict(one))
        if not as_json:
            verdict = {True: "met", False: "MISSED", None: ""}[one.met]
            line = f"{one.what:56s} {one.value:8.4g}  {one.target:8s} {verdict}"
            print(line.rstrip(), flush=True)
    if as_json:
        print(json.dumps({"machine": describe(), "rows": rows}, indent=2))


def main() -> None:
    sections = ("quality", "curve", "speed", "whole", "best", "memory", "compile")
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--only", nargs="*", choices=sections, default=sections)
    parser.add_argument("--seconds", type=float, default=0.0, help="0 takes all")
    parser.add_argument("--json", action="store_true")
    given = parser.parse_args()
    report(all_rows(given.only, given.seconds), as_json=given.json)


if __name__ == "__main__":
    main()
