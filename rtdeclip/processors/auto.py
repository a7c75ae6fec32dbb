"""auto: the best method this latency, this clipping and this machine allow.

A ladder of methods, each at the same hop and latency. Every quarter of a second the
rung with the highest expected gain at the present severity (``SEVERITIES``) is chosen
among those the time budget affords; changes crossfade over 15 ms once the
new rung has filled its delay. The cheapest rung that restores is always kept warm, so
that an overload is answered within a crossfade.

Severity is the sound's own, so live and offline choose alike; the budget is the
clock's: infinite offline, lowered live by the host when hops come late. Each change
is logged with its position.

Methods join by declaring a ``Rung`` (cost, gain by severity). Latency: the slowest
rung offered within ``max_latency``. It fails where every rung does.
"""

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rtdeclip.errors import SettingError
from rtdeclip.processors.bypass import default_hop
from rtdeclip.stream.clip import Clip
from rtdeclip.stream.processor import (
    SEVERITIES,
    Method,
    Processor,
    Rung,
    Setting,
)
from rtdeclip.stream.rebuffer import fit_processor
from rtdeclip.stream.registry import listings
from rtdeclip.types import Samples

FADE_MS = 15.0
DECISION_MS = 250.0
MEMORY_MS = 1000.0  # of clipped sound: time constant of the severity
HYSTERESIS_DB = 0.1
_LOGGED = 1000


@dataclass(slots=True)
class _Lane:
    """One rung, built and fitted to the common hop and latency."""

    name: str
    rung: Rung
    processor: Processor


class Auto:
    """A processor that is several; see the module.

    Args:
        lanes: the rungs, cheapest first; all of one hop and latency.
        sample_rate: Hz.

    Attributes:
        active: name of the rung in force.
        switches: (position in samples, rung) of the latest changes.
    """

    def __init__(self, lanes: Sequence[_Lane], sample_rate: int) -> None:
        first = lanes[0].processor
        self.hop, self.latency_samples = first.hop, first.latency_samples
        self._lanes = list(lanes)
        self._fallback = min(1, len(lanes) - 1)
        self._fade = max(1, round(FADE_MS * 1e-3 * sample_rate))
        self._decide_every = max(1, round(DECISION_MS * 1e-3 * sample_rate / self.hop))
        self._forget = 1 - np.exp(-1e3 * self.hop / (MEMORY_MS * sample_rate))
        self._budget = np.inf
        self._gains = np.array([lane.rung.gain_db for lane in lanes])
        self._ramp = np.arange(1, self.hop + 1, dtype=np.float32)
        self._mixed = np.zeros(self.hop, np.float32)
        self.switches: deque[tuple[int, str]] = deque(maxlen=_LOGGED)
        self.reset()

    @property
    def active(self) -> str:
        """Name of the rung in force (the coming one, during a change)."""
        return self._lanes[self._coming if self._coming >= 0 else self._active].name

    def ease(self) -> bool:
        """Only rungs cheaper than the one allowed now; False if none is."""
        present = self._coming if self._coming >= 0 else self._active
        cost = min(self._budget, self._lanes[present].rung.cost)
        cheaper = [x.rung.cost for x in self._lanes if x.rung.cost < cost]
        if cheaper:
            self._budget = max(cheaper)
            self._until_decision = 0
        return bool(cheaper)

    def recover(self) -> bool:
        """Allows the next dearer rung again; False if all are allowed."""
        if np.isinf(self._budget):
            return False
        dearer = [x.rung.cost for x in self._lanes if x.rung.cost > self._budget]
        self._budget = min(dearer) if len(dearer) > 1 else np.inf
        return True

    def reset(self) -> None:
        """Forgets all audio and severity; starts on the rung for middling clipping."""
        for lane in self._lanes:
            lane.processor.reset()
        self._position = 0
        # Expected n and n², for n clipped samples in a clipped block.
        self._clipped = SEVERITIES[2] * self.hop
        self._squared = self._clipped**2
        self._active = self._best()
        self._coming = -1
        self._countdown = 0
        self._until_decision = self._decide_every
        self.switches.clear()

    def process(self, block: Samples, clip: Clip) -> Samples:
        """See ``Processor.process``."""
        self._watch(clip)
        wet = self._lanes[self._active].processor.process(block, clip)
        if self._coming >= 0:
            wet = self._change(block, clip, wet)
        if self._fallback not in (self._active, self._coming):
            self._lanes[self._fallback].processor.process(block, clip)
        self._position += self.hop
        return wet

    def _watch(self, clip: Clip) -> None:
        """Follows the severity; every so often, asks whether to change."""
        if clip.count:
            self._clipped += self._forget * (clip.count - self._clipped)
            self._squared += self._forget * (clip.count**2 - self._squared)
        self._until_decision -= 1
        if self._until_decision <= 0 and self._coming < 0:
            self._until_decision = self._decide_every
            best = self._best()
            if best != self._active:
                self._start(best)

    def _best(self) -> int:
        """The affordable rung with the highest expected gain; the present one keeps
        a head start."""
        at = np.log(self._squared / (self._clipped * self.hop))
        expected = [_along(at, np.log(SEVERITIES), row) for row in self._gains]
        if self._position:
            expected[self._active] += HYSTERESIS_DB
        costs = [lane.rung.cost for lane in self._lanes]
        affordable = [i for i, cost in enumerate(costs) if cost <= self._budget]
        return max(affordable or [0], key=lambda i: expected[i])

    def _start(self, coming: int) -> None:
        """The coming rung runs silently until its delay is filled, then fades in."""
        fill = 0
        if coming != self._fallback:
            self._lanes[coming].processor.reset()
            fill = self.latency_samples + self.hop
        self._coming = coming
        self._countdown = fill + self._fade
        self.switches.append((self._position, self._lanes[coming].name))

    def _change(self, block: Samples, clip: Clip, wet: Samples) -> Samples:
        new = self._lanes[self._coming].processor.process(block, clip)
        share = np.clip(1 - (self._countdown - self._ramp) / self._fade, 0, 1)
        np.multiply(share, new - wet, out=self._mixed)
        self._mixed += wet
        self._countdown -= self.hop
        if self._countdown <= 0:
            self._active, self._coming = self._coming, -1
        return self._mixed


def make(
    sample_rate: int, max_latency: float = 36.0, hop: int = 0, only: str = ""
) -> Auto:
    """``auto`` for ``sample_rate``; settings as declared in ``METHOD``.

    Raises:
        SettingError: no rung fits within ``max_latency``.
    """
    found = [entry.method for entry in listings("processors").values() if entry.method]
    names = {name.strip() for name in only.split(",") if name.strip()}
    chosen = [m for m in found if not names or m.name in names]
    return ladder(chosen, sample_rate, max_latency, hop or default_hop(sample_rate))


def ladder(
    methods: Sequence[Method], sample_rate: int, max_latency_ms: float, hop: int
) -> Auto:
    """The rungs of ``methods`` that fit, behind one processor.

    Args:
        methods: those without rungs, or for other rates, are passed over.
        sample_rate: Hz.
        max_latency_ms: algorithmic latency (delay + hop) not to exceed.
        hop: block length in samples.

    Raises:
        SettingError: no rung fits.
    """
    built = []
    for method in methods:
        for rung in method.rungs:
            if not rung.low_hz <= sample_rate <= rung.high_hz:
                continue
            if method.rates and sample_rate not in method.rates:
                continue
            settings: dict[str, Any] = dict(rung.settings)
            made: Processor = method.build(sample_rate, **settings)
            fitted = fit_processor(made, hop, 0)
            if 1e3 * (fitted.latency_samples + hop) / sample_rate <= max_latency_ms:
                built.append((method.name, rung, made, fitted.latency_samples))
    if not built:
        raise SettingError(
            f"No method of auto fits within {max_latency_ms:g} ms at {sample_rate} Hz. "
            "Give a larger max_latency, or choose a processor: rtdeclip processors"
        )
    latency = max(late for *_, late in built)
    lanes = [
        _Lane(_name(name, rung), rung, fit_processor(made, hop, latency))
        for name, rung, made, _ in sorted(built, key=lambda item: item[1].cost)
    ]
    return Auto(lanes, sample_rate)


def _along(at: float, known: NDArray[np.float64], gains: NDArray[np.float64]) -> float:
    """The gain at a (logarithmic) severity; beyond the last one the trend goes on."""
    beyond = max(at - known[-1], 0.0)
    slope = (gains[-1] - gains[-2]) / (known[-1] - known[-2])
    return float(np.interp(at, known, gains) + slope * beyond)


def _name(method: str, rung: Rung) -> str:
    words = ", ".join(f"{key}={value}" for key, value in rung.settings)
    return f"{method}({words})" if words else method


METHOD = Method(
    name="auto",
    summary="The best of the others that latency, clipping and machine allow.",
    make=make,
    settings=(
        Setting("max_latency", 36.0, "not to exceed, hop included", "ms", 1.0, 500.0),
        Setting("hop", 0, "block length; 0 chooses by rate", "samples", 0, 16384),
        Setting("only", "", "methods to choose from, comma-separated; empty: all"),
    ),
    source="policy fitted on the training audio: python -m bench.ladder",
)
