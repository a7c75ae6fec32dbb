"""Real-time factors: how long each hop takes, hot and at the pace of live sound.

RTF = processing time / audio time. *Hot*: hop after hop, caches warm, as a file is
processed. *Paced*: a hop when its time has come, caches cold, as live sound is: two to
six times slower per hop, and the figure that counts live.
"""

import gc
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from time import perf_counter, process_time, sleep
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rtdeclip.benchmarks.synth import plucked
from rtdeclip.distortion import clip_to_sdr
from rtdeclip.errors import SettingError
from rtdeclip.stream.processor import Method
from rtdeclip.stream.registry import listings
from rtdeclip.stream.stream import Stream
from rtdeclip.types import Samples

# Input SDR in dB of each severity; "silence" and "denormal" are special signals.
SEVERITIES = {"none": None, "light": 15.0, "heavy": 5.0, "extreme": 1.0}
SPECIAL = ("silence", "denormal")
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

    Where a processor gathers hops and works once for many, the mean tells its load,
    the median nothing.
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
    rtf_p50_low: float
    rtf_p50_high: float

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
        SettingError: an unknown severity or mode.
    """
    _check("severity", severities, (*SEVERITIES, *SPECIAL))
    _check("mode", modes, ("hot", "paced"))
    chosen = [m for m in streaming_methods() if not processors or m.name in processors]
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


def measure(case: Case) -> Row:
    """One case: builds a stream, warms it, times every hop of it."""
    stream = Stream(
        case.sample_rate, case.channels, case.processor, hop=case.hop or None
    )
    blocks = _blocks(case, stream.hop)
    first = _time(stream, blocks[0])
    for block in blocks[: min(64, len(blocks))]:
        stream.process(block)
    stream.reset()
    period = stream.hop / case.sample_rate
    gc.collect()
    gc.disable()
    try:
        cpu, start = process_time(), perf_counter()
        seconds, late = (_hot if case.mode == "hot" else _paced)(stream, blocks, period)
        cpu_share = (process_time() - cpu) / (perf_counter() - start)
    finally:
        gc.enable()
    p50, p95, p99 = np.quantile(seconds, (0.5, 0.95, 0.99)) / period
    parts = np.array_split(seconds, min(_PARTS, len(seconds)))
    medians = [float(np.median(part) / period) for part in parts]
    return Row(
        processor=case.processor,
        sample_rate=case.sample_rate,
        hop=stream.hop,
        channels=case.channels,
        latency_ms=1e3 * (stream.latency_samples + stream.hop) / case.sample_rate,
        severity=case.severity,
        mode=case.mode,
        rtf_mean=float(seconds.mean() / period),
        rtf_p50=float(p50),
        rtf_p95=float(p95),
        rtf_p99=float(p99),
        hop_ms_max=float(seconds.max() * 1e3),
        late_hop_rate=late / len(blocks),
        first_hop_ms=first * 1e3,
        cpu_share=cpu_share,
        rtf_p50_low=min(medians),
        rtf_p50_high=max(medians),
    )


def signal(severity: str, seconds: float, sample_rate: int) -> Samples:
    """``(n_samples,)`` float32 test audio of a severity.

    Raises:
        SettingError: unknown severity.
    """
    _check("severity", [severity], (*SEVERITIES, *SPECIAL))
    if severity in SPECIAL:
        size = 0.0 if severity == "silence" else 1e-40
        return np.full(round(seconds * sample_rate), size, np.float32)
    clean = plucked(seconds, sample_rate)
    sdr_db = SEVERITIES[severity]
    return clean if sdr_db is None else clip_to_sdr(clean, sdr_db).audio


def recommendation(rows: Sequence[Row]) -> str:
    """One sentence: what to run live on this machine, judged by the paced p99."""
    paced = [r for r in rows if r.mode == "paced"] or list(rows)
    safe = [r for r in paced if r.rtf_p99 <= 0.5 and r.processor != "bypass"]
    if not safe:
        return (
            "No processor keeps half of its time in reserve here: use bypass, a larger "
            "hop, or a less busy machine."
        )
    best = max(safe, key=lambda r: r.latency_ms)
    quick = min(safe, key=lambda r: r.latency_ms)
    sentence = (
        f"Live on this machine: {best.processor} ({best.latency_ms:.0f} ms, p99 RTF "
        f"{best.rtf_p99:.3f})"
    )
    if quick.processor != best.processor:
        sentence += f", or {quick.processor} where {quick.latency_ms:.0f} ms matter"
    return sentence + "."


def _blocks(case: Case, hop: int) -> list[Samples]:
    mono = signal(case.severity, case.seconds, case.sample_rate)
    n = max(1, len(mono) // hop)
    mono = np.resize(mono, n * hop)
    columns = np.repeat(mono[:, None], case.channels, axis=1)
    return [np.ascontiguousarray(b) for b in columns.reshape(n, hop, case.channels)]


def _time(stream: Stream, block: Samples) -> float:
    start = perf_counter()
    stream.process(block)
    return perf_counter() - start


def _hot(
    stream: Stream, blocks: list[Samples], period: float
) -> tuple[NDArray[np.float64], int]:
    seconds = np.array([_time(stream, block) for block in blocks])
    return seconds, int(np.count_nonzero(seconds > period))


def _paced(
    stream: Stream, blocks: list[Samples], period: float
) -> tuple[NDArray[np.float64], int]:
    """Times each hop and counts those not done before the next one was due."""
    seconds = np.empty(len(blocks))
    late = 0
    start = perf_counter()
    for number, block in enumerate(blocks):
        due = start + number * period
        if (wait := due - perf_counter()) > 0:
            sleep(wait)
        seconds[number] = _time(stream, block)
        late += perf_counter() > due + period
    return seconds, late


def _check(what: str, given: Sequence[str], allowed: Sequence[str]) -> None:
    for word in given:
        if word not in allowed:
            raise SettingError(
                f"There is no {what} {word!r}; choose from {', '.join(allowed)}."
            )
