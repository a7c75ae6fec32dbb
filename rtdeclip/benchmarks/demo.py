"""The demo: synthesised audio, clipped, restored by every method, measured."""

from collections.abc import Iterator
from dataclasses import dataclass
from time import perf_counter

import numpy as np

from rtdeclip.benchmarks.synth import plucked, voice
from rtdeclip.distortion import clip_at_fraction
from rtdeclip.metrics.sdr import delta_sdr_db, sdr_db
from rtdeclip.stream.bank import Bank
from rtdeclip.stream.offline import find_levels, restore
from rtdeclip.stream.processor import Method
from rtdeclip.stream.registry import listings
from rtdeclip.types import Samples

SECONDS = 3.0
FRACTION = 0.2


@dataclass(frozen=True, slots=True)
class Take:
    """One piece of audio of the demo.

    Args:
        name: ``voice`` or ``plucked``.
        sample_rate: Hz.
        clean: ``(n_samples,)`` float32.
        clipped: the same, clipped at ``FRACTION`` of its peak.
    """

    name: str
    sample_rate: int
    clean: Samples
    clipped: Samples

    @property
    def input_sdr_db(self) -> float:
        """SDR of the clipped signal."""
        return sdr_db(self.clean, self.clipped)


@dataclass(frozen=True, slots=True)
class Result:
    """One method on one take.

    Args:
        method: what restored it.
        take: name of the take.
        restored: ``(n_samples,)`` float32.
        delta_sdr_db: gain in SDR.
        rtf: processing time / audio time of a second, warm run.
        latency_ms: algorithmic latency, None for whole-signal methods.
    """

    method: Method
    take: str
    restored: Samples
    delta_sdr_db: float
    rtf: float
    latency_ms: float | None


def takes() -> list[Take]:
    """The voice at 16 kHz and the string at 44.1 kHz, clean and clipped."""
    made = (("voice", 16000, voice), ("plucked", 44100, plucked))
    out = []
    for name, rate, synth in made:
        clean = synth(SECONDS, rate)
        out.append(Take(name, rate, clean, clip_at_fraction(clean, FRACTION).audio))
    return out


def methods() -> list[Method]:
    """Every working method for daily use, the fastest kind first."""
    found = [entry.method for entry in listings("processors").values() if entry.method]
    daily = [m for m in found if not m.note and m.scope == "clipped"]
    return sorted(daily, key=lambda m: (m.kind == "restorer", m.name))


def results(take: Take) -> Iterator[Result]:
    """Each method on one take, as it finishes; those of other rates are left out."""
    y = take.clipped[:, None]
    levels = find_levels(y, take.sample_rate)
    for method in methods():
        if method.rates and take.sample_rate not in method.rates:
            continue
        restore(y[: take.sample_rate // 4], take.sample_rate, method, levels)
        start = perf_counter()
        restored = restore(y, take.sample_rate, method, levels)[:, 0]
        rtf = (perf_counter() - start) / SECONDS
        gain = delta_sdr_db(take.clean, take.clipped, restored)
        yield Result(method, take.name, restored, gain, rtf, _latency(method, take))


def _latency(method: Method, take: Take) -> float | None:
    if method.kind != "processor":
        return None
    bank = Bank(method, take.sample_rate, 1)
    return 1e3 * (bank.latency_samples + bank.hop) / take.sample_rate


def picture_window(take: Take) -> slice:
    """20 ms around the most clipped place: what the picture shows."""
    width = round(0.02 * take.sample_rate)
    clipped = np.abs(take.clipped) >= np.abs(take.clipped).max() * (1 - 1e-6)
    share = np.convolve(clipped, np.ones(width), "same")
    centre = int(np.clip(share.argmax(), width, len(clipped) - width))
    return slice(centre - width, centre + width)
