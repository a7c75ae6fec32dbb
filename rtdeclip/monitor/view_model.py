"""What the monitor shows, without Qt: telemetry in, numbers and words out.

``update`` takes what is new since the last call; everything else is asked for when it
is drawn. The view model only reads sound and status; what the user changes goes
through ``Controls``.
"""

from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from rtdeclip.live.telemetry import Event, Scope, Status
from rtdeclip.monitor import words
from rtdeclip.monitor.density import Density, confidence
from rtdeclip.monitor.effect_chain import EffectChain
from rtdeclip.monitor.history import Envelope, History, Stretch, envelope
from rtdeclip.monitor.load import LoadHistory
from rtdeclip.monitor.loudness import LoudnessMatch
from rtdeclip.monitor.meters import Meter
from rtdeclip.monitor.thresholds import Thresholds
from rtdeclip.types import Samples

HISTORY_S = 10.0
EVIDENCE_S = 2.0
BUSY_LOAD = 0.8
"""Above this load drawing gives way to the audio."""


class Reader(Protocol):
    """The part of ``TelemetryReader`` that is looked at."""

    sample_rate: int
    n_channels: int
    hop: int
    scope_samples: int

    def status(self) -> Status:
        """The last status."""
        ...

    def stretch(self, start: int, end: int) -> Scope:
        """Sound of these positions."""
        ...

    @property
    def wet_end(self) -> int:
        """Newest position of the scope."""
        ...

    @property
    def info(self) -> dict[str, Any]:
        """Devices, processors, latency."""
        ...

    def parameters(self) -> dict[str, float]:
        """As they stand."""
        ...

    def events(self, since: int = 0) -> list[Event]:
        """What happened."""
        ...


@dataclass(frozen=True, slots=True)
class Trace:
    """One curve of the scope with what was clipped, ready to draw.

    Args:
        age_s: ``(n,)`` time of each bin, 0 now, negative before.
        low: ``(n,)`` smallest sample of each bin.
        high: ``(n,)`` largest sample.
        clipped_high: ``(n,)`` bool, the bin holds samples clipped at the top.
        clipped_low: ``(n,)`` bool, at the bottom.
        bin_s: width of a bin.
    """

    age_s: NDArray[np.float64]
    low: NDArray[Any]
    high: NDArray[Any]
    clipped_high: NDArray[np.bool_]
    clipped_low: NDArray[np.bool_]
    bin_s: float


@dataclass(frozen=True, slots=True)
class Levels:
    """The clip levels of one channel, magnitudes; 0: that polarity is not clipped."""

    high: float
    low: float
    high_confidence: float
    low_confidence: float


class ViewModel:
    """One running engine as it is seen.

    Args:
        reader: its telemetry.

    Attributes:
        status: the last one read.
        parameters: as they stand.
        info: devices, processors, latency lines.
        inputs: a meter per channel, before.
        outputs: a meter per channel, after.
        densities: a histogram of the input per channel.
        out_densities: of the output, headroom undone.
        load: of the last minute.
        loudness: of the restored sound against the input.
        channel: the one that is drawn.
        frozen: the picture stands still.
        thresholds: clip levels, the detector's or the user's.
    """

    def __init__(self, reader: Reader) -> None:
        self.reader = reader
        self.sample_rate, self.n_channels = reader.sample_rate, reader.n_channels
        rate, channels = self.sample_rate, range(reader.n_channels)
        self.history = History(round(HISTORY_S * rate), reader.n_channels)
        self.inputs = [Meter(rate) for _ in channels]
        self.outputs = [Meter(rate) for _ in channels]
        self.densities = [Density(rate) for _ in channels]
        self.out_densities = [Density(rate) for _ in channels]
        self.load = LoadHistory()
        self.loudness = LoudnessMatch(rate, reader.n_channels)
        self.channel = 0
        self.status = reader.status()
        self.parameters = reader.parameters()
        self.info = reader.info
        self.frozen = False
        self.thresholds = Thresholds(((0.0, 0.0),) * reader.n_channels)
        self._confidence = [(0.0, 0.0)] * reader.n_channels
        self._next_event = len(reader.events())
        self._latest_s = 0.0

    def update(self, now_s: float) -> Scope:
        """Takes in what is new.

        Args:
            now_s: of CLOCK_MONOTONIC, as ``Status.time_ns``.

        Returns:
            The new stretch of sound (may be empty).
        """
        self._latest_s = now_s
        self.status = self.reader.status()
        self.parameters = self.reader.parameters()
        self.load.add(self.status, now_s)
        end = self.reader.wet_end
        newest = max(self.history.end, end - self.reader.scope_samples // 2)
        scope = self.reader.stretch(newest, end)
        if len(scope.dry) and not self.frozen:
            self._take(scope)
        return scope

    def update_slow(self) -> None:
        """What is worth a look only a few times a second."""
        self.info = self.reader.info or self.info
        s = self.status
        pairs = zip(s.clip_high, s.clip_low, strict=True)
        self.thresholds = self.thresholds.detected(tuple(pairs)[: self.n_channels])
        n = round(EVIDENCE_S * self.sample_rate)
        for c in range(self.n_channels):
            dry = self.history.latest(n, c).dry
            high, low = self.thresholds.pairs[c]
            self._confidence[c] = (confidence(dry, high), confidence(dry, -low))

    def _take(self, scope: Scope) -> None:
        self.history.append(scope)
        for c in range(self.n_channels):
            self.inputs[c].feed(scope.dry[:, c])
            self.outputs[c].feed(scope.wet[:, c])
            self.densities[c].add(scope.dry[:, c])
            self.out_densities[c].add(scope.wet[:, c] / np.float32(self.gain))
        if self.parameters.get("bypass") or self.parameters.get("repair_only"):
            self.loudness.interrupt()
        else:
            self.loudness.feed(scope.dry, scope.wet / np.float32(self.gain))

    # What is drawn.

    @property
    def gain(self) -> float:
        """Linear gain of the headroom stage, which all of the output has."""
        config = self.info.get("config", {})
        if config.get("headroom", "off") != "limit":
            return 1.0
        return float(10.0 ** (config.get("gain_db", 0.0) / 20.0))

    def _stretch(self, window_s: float) -> Stretch:
        return self.history.latest(round(window_s * self.sample_rate), self.channel)

    def traces(self, window_s: float, pixels: int) -> tuple[Trace, Trace, Trace]:
        """Input, output and difference of the newest ``window_s`` seconds.

        The headroom's gain is undone, so that the three are on one scale.

        Args:
            window_s: > 0.
            pixels: at most so many bins.
        """
        s = self._stretch(window_s)
        per_bin = max(1, -(-round(window_s * self.sample_rate) // max(1, pixels)))
        wet = s.wet / np.float32(self.gain)
        signs = envelope(s.sign, s.position, per_bin)

        def trace(x: Samples) -> Trace:
            return self._trace(envelope(x, s.position, per_bin), signs)

        return trace(s.dry), trace(wet), trace(wet - s.dry)

    def _trace(self, e: Envelope, signs: Envelope) -> Trace:
        rate = self.sample_rate
        return Trace(
            (e.places - self.history.end) / rate,
            e.low,
            e.high,
            np.asarray(signs.high, np.int8) > 0,
            np.asarray(signs.low, np.int8) < 0,
            e.per_bin / rate,
        )

    @property
    def levels(self) -> Levels:
        """Clip levels of the drawn channel."""
        c = self.channel
        return Levels(*self.thresholds.pairs[c], *self._confidence[c])

    @property
    def age_s(self) -> float:
        """Age of the status; above ``words.STALE_S`` the engine is not well."""
        return max(0.0, self._latest_s - 1e-9 * self.status.time_ns)

    @property
    def stale(self) -> bool:
        """The audio process does not answer."""
        return self.age_s > words.STALE_S

    @property
    def busy(self) -> bool:
        """The audio needs the core more than the picture does."""
        return self.status.load > BUSY_LOAD

    @property
    def processor(self) -> str:
        """Name of the processor in force."""
        names = self.info.get("processors", [])
        at = self.status.processor
        return str(names[at]) if at < len(names) else ""

    @property
    def effects(self) -> EffectChain:
        """The effects that run."""
        config = self.info.get("config", {})
        return EffectChain.of(config.get("pre", ()), config.get("post", ()))

    @property
    def match_db(self) -> float:
        """What the bypassed input needs to be as loud as the restored sound.

        0 with effects: they are in both, but the input that is seen is without them.
        """
        return 0.0 if self.effects.slots else self.loudness.gain_db

    @property
    def latency_rows(self) -> list[tuple[str, int]]:
        """The parts of the latency that are not 0, in samples."""
        rows = self.info.get("latency_rows", [])
        return [(str(name), int(n)) for name, n in rows if n]

    @property
    def latency_ms(self) -> float:
        """Microphone to loudspeaker."""
        total = sum(n for _, n in self.latency_rows) or self.status.latency_samples
        return 1e3 * total / self.sample_rate

    @property
    def sentence(self) -> str:
        """The status line."""
        return words.status_line(
            self.status, self.parameters, self.n_channels, self.latency_ms, self.age_s
        )

    def new_events(self) -> list[Event]:
        """Events since the last call."""
        events = self.reader.events(self._next_event)
        if events:
            self._next_event = events[-1].number + 1
        return events
