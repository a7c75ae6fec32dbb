"""Real-time factors: how long each hop takes, hot and at the pace of live sound.

RTF = processing time / audio time. *Hot*: hop after hop, caches warm, as a file is
processed. *Paced*: a hop when its time has come, caches cold, as live sound is: two to
six times slower per hop, and the figure that counts live.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass
from functools import lru_cache
from time import perf_counter
from typing import Any

import numpy as np

from rtdeclip.benchmarks.hops import MODES, Timing, resident_mb, time_of, timed
from rtdeclip.benchmarks.synth import plucked
from rtdeclip.distortion import clip_to_sdr
from rtdeclip.errors import SettingError
from rtdeclip.stream.processor import Method
from rtdeclip.stream.registry import find, listings
from rtdeclip.stream.stream import Stream
from rtdeclip.types import Samples

# Input SDR in dB of each severity; "silence" and "denormal" are special signals.
SEVERITIES = {"none": None, "light": 15.0, "heavy": 5.0, "extreme": 1.0}
SPECIAL = ("silence", "denormal")
RESERVE = 0.5  # of a hop's time, that live sound should leave
LIVE_MS = 50.0  # beyond this nobody plays or talks
_PARTS = 5
"""Of a run, whose medians tell the spread."""


@dataclass(frozen=True, slots=True)
class Case:
    """One cell of the grid.

    Args:
        processor: name of a streaming processor.
        sample_rate: Hz.
        hop: samples per block; 0 takes the processor's own.
        channels: number of channels.
        severity: a key of ``SEVERITIES`` or one of ``SPECIAL``.
        mode: ``hot`` or ``paced``.
        seconds: audio time to process.
    """

    processor: str
    sample_rate: int = 48000
    hop: int = 0
    channels: int = 1
    severity: str = "heavy"
    mode: str = "hot"
    seconds: float = 3.0


@dataclass(frozen=True, slots=True)
class Row:
    """What one case measured; RTFs are per hop, times in ms.

    Quantiles are of elapsed time, ``rtf_cpu_p50`` (and from where to where it went in
    parts of the run, ``_low`` and ``_high``) of CPU time: it tells a change of the code
    on a busy machine too. Where a processor gathers hops and works once for many, the
    mean tells its load, the median nothing. ``built_ms`` is the constructor's time with
    kernels compiled before; ``memory_mb`` what building and running added to the
    process: what an earlier case brought along is not counted again.
    """

    processor: str
    sample_rate: int
    hop: int
    channels: int
    latency_ms: float
    severity: str
    mode: str
    rtf_mean: float
    rtf_p50: float
    rtf_p95: float
    rtf_p99: float
    hop_ms_max: float
    late_hop_rate: float
    first_hop_ms: float
    cpu_share: float
    rtf_cpu_p50: float
    rtf_cpu_p50_low: float
    rtf_cpu_p50_high: float
    built_ms: float
    memory_mb: float

    def as_dict(self) -> dict[str, Any]:
        """The row as plain data, keys as in the JSON report."""
        return asdict(self)


def streaming_methods() -> list[Method]:
    """Every working streaming processor for daily use, by name."""
    found = [entry.method for entry in listings("processors").values() if entry.method]
    return [m for m in found if m.kind == "processor" and not m.note]


def grid(
    processors: Sequence[str] = (),
    sample_rates: Sequence[int] = (48000,),
    hops: Sequence[int] = (0,),
    channels: Sequence[int] = (1,),
    severities: Sequence[str] = ("heavy",),
    modes: Sequence[str] = ("hot", "paced"),
    seconds: float = 3.0,
) -> list[Case]:
    """All combinations; processors of another rate than asked run at their own.

    Raises:
        SettingError: an unknown severity or mode, or a method for whole signals.
        PluginError: an unknown processor.
    """
    _check("severity", severities, (*SEVERITIES, *SPECIAL))
    _check("mode", modes, MODES)
    chosen = _named(processors) if processors else streaming_methods()
    cases = []
    for method in chosen:
        fitting = [r for r in sample_rates if not method.rates or r in method.rates]
        for rate in fitting or method.rates[:1]:
            cases += [
                Case(method.name, rate, hop, count, severity, mode, seconds)
                for hop in hops
                for count in channels
                for severity in severities
                for mode in modes
            ]
    return cases


def run(cases: Sequence[Case]) -> Iterator[Row]:
    """Each case measured, as it finishes."""
    for case in cases:
        yield measure(case)


def measure(case: Case, ready: Callable[[], object] = lambda: None) -> Row:
    """One case: builds a stream, warms it, times every hop of it.

    Args:
        case: what to measure.
        ready: called when all is warm, before the first hop is timed.
    """
    held, start = resident_mb(), perf_counter()
    stream = Stream(
        case.sample_rate, case.channels, case.processor, hop=case.hop or None
    )
    built = perf_counter() - start
    blocks = _blocks(case, stream.hop)
    first, _ = time_of(stream.process, blocks[0])
    for block in blocks[: min(64, len(blocks))]:
        stream.process(block)
    stream.reset()
    ready()
    timing = timed(stream.process, blocks, stream.hop / case.sample_rate, case.mode)
    late_samples = stream.latency_samples + stream.hop
    return row_of(
        case,
        stream.hop,
        1e3 * late_samples / case.sample_rate,
        timing,
        first_hop_ms=first * 1e3,
        built_ms=built * 1e3,
        memory_mb=max(0.0, resident_mb() - held),
    )


def row_of(
    case: Case,
    hop: int,
    latency_ms: float,
    timing: Timing,
    *,
    first_hop_ms: float,
    built_ms: float,
    memory_mb: float,
) -> Row:
    """The statistics of a run as a row."""
    seconds, period = timing.seconds, hop / case.sample_rate
    p50, p95, p99 = np.quantile(seconds, (0.5, 0.95, 0.99)) / period
    parts = np.array_split(timing.cpu_s, min(_PARTS, len(seconds)))
    medians = [float(np.median(part) / period) for part in parts]
    return Row(
        processor=case.processor,
        sample_rate=case.sample_rate,
        hop=hop,
        channels=case.channels,
        latency_ms=latency_ms,
        severity=case.severity,
        mode=case.mode,
        rtf_mean=float(seconds.mean() / period),
        rtf_p50=float(p50),
        rtf_p95=float(p95),
        rtf_p99=float(p99),
        hop_ms_max=float(seconds.max() * 1e3),
        late_hop_rate=timing.late / len(seconds),
        first_hop_ms=first_hop_ms,
        cpu_share=timing.cpu_share,
        rtf_cpu_p50=float(np.median(timing.cpu_s) / period),
        rtf_cpu_p50_low=min(medians),
        rtf_cpu_p50_high=max(medians),
        built_ms=built_ms,
        memory_mb=memory_mb,
    )


@lru_cache(maxsize=16)
def signal(severity: str, seconds: float, sample_rate: int) -> Samples:
    """``(n_samples,)`` float32 test audio of a severity; made once, not to be written.

    Raises:
        SettingError: unknown severity.
    """
    _check("severity", [severity], (*SEVERITIES, *SPECIAL))
    if severity in SPECIAL:
        size = 0.0 if severity == "silence" else 1e-40
        return np.full(round(seconds * sample_rate), size, np.float32)
    clean = plucked(seconds, sample_rate)
    sdr_db = SEVERITIES[severity]
    made = clean if sdr_db is None else clip_to_sdr(clean, sdr_db).audio
    made.setflags(write=False)
    return made


def recommendation(rows: Sequence[Row]) -> str:
    """One sentence: what to run live on this machine, judged by the paced p99.

    More latency stands for more quality, up to ``LIVE_MS``. What undoes soft distortion
    is no declipper; a model of another rate than most rows is named apart.
    """
    paced = [r for r in rows if r.mode == "paced"] or list(rows)
    safe = [r for r in paced if r.rtf_p99 <= RESERVE and _is_declipper(r)]
    if not safe:
        return (
            "No processor keeps half of its time in reserve here: use bypass, a larger "
            "hop, or a less busy machine."
        )
    rates = [r.sample_rate for r in rows]
    usual = max(dict.fromkeys(rates), key=rates.count)
    others = [r for r in safe if r.sample_rate != usual]
    here = [r for r in safe if r.sample_rate == usual] or others
    best, quick = (f(here, key=lambda r: r.latency_ms) for f in (max, min))
    sentence = (
        f"Live on this machine: {best.processor} ({best.latency_ms:.0f} ms, p99 RTF "
        f"{best.rtf_p99:.3f})"
    )
    if quick.processor != best.processor:
        sentence += f", or {quick.processor} where {quick.latency_ms:.0f} ms matter"
    if others and here is not others:
        other = max(others, key=lambda r: r.latency_ms)
        sentence += (
            f"; at {other.sample_rate / 1000:g} kHz {other.processor} "
            f"({other.latency_ms:.0f} ms)"
        )
    return sentence + "."


def _is_declipper(row: Row) -> bool:
    entry = listings("processors").get(row.processor)
    soft = entry and entry.method and entry.method.scope == "all"
    return row.processor != "bypass" and not soft and row.latency_ms <= LIVE_MS


def _blocks(case: Case, hop: int) -> list[Samples]:
    mono = signal(case.severity, case.seconds, case.sample_rate)
    n = max(1, len(mono) // hop)
    mono = np.resize(mono, n * hop)
    columns = np.repeat(mono[:, None], case.channels, axis=1)
    return [np.ascontiguousarray(b) for b in columns.reshape(n, hop, case.channels)]


def _named(names: Sequence[str]) -> list[Method]:
    chosen = [find(name) for name in names]
    for method in chosen:
        if method.kind != "processor":
            raise SettingError(
                f"{method.name} restores whole signals and has no hops to time. Its "
                "speed is in rtdeclip bench rtf --full and bench quality; streaming "
                "processors: rtdeclip processors."
            )
    return chosen


def _check(what: str, given: Sequence[str], allowed: Sequence[str]) -> None:
    for word in given:
        if word not in allowed:
            raise SettingError(
                f"There is no {what} {word!r}; choose from {', '.join(allowed)}."
            )
