"""From the engine's counters to one ``Status`` in the telemetry file."""

import time
from collections import deque

import numpy as np
from numpy.typing import NDArray

from rtdeclip.live import ring as r
from rtdeclip.live.engine import Engine
from rtdeclip.live.telemetry import METERED_CHANNELS, TelemetryFile

_STRAIGHT = {
    "captured": r.CAPTURED,
    "published": r.PUBLISHED,
    "played": r.PLAYED,
    "callbacks": r.CALLBACKS,
    "block": r.BLOCK,
    "input_overflows": r.INPUT_OVERFLOWS,
    "input_underflows": r.INPUT_UNDERFLOWS,
    "output_overflows": r.OUTPUT_OVERFLOWS,
    "output_underflows": r.OUTPUT_UNDERFLOWS,
    "device_stalls": r.DEVICE_STALLS,
    "device_rushes": r.RUSHES,
    "late_hops": r.LATE_HOPS,
    "late_samples": r.LATE_SAMPLES,
    "own_underruns": r.OWN_UNDERRUNS,
    "skipped_samples": r.SKIPPED,
    "episodes": r.EPISODES,
    "bad_input_samples": r.BAD_INPUT,
    "clipped_samples": r.CLIPPED,
}

_PERCENTILES_EVERY = 5
"""Updates from one look at the histograms to the next: the costly part."""


def percentile(histogram: NDArray[np.int64], share: float) -> int:
    """Upper border, in bins, below which ``share`` of the counts lie; 0 if empty.

    Example:
        >>> percentile(np.array([90, 9, 0, 1]), 0.99)
        2
    """
    total = int(histogram.sum())
    if total == 0:
        return 0
    return int(np.searchsorted(np.cumsum(histogram), share * total)) + 1


class Meters:
    """Fills the telemetry's status; one per engine, called 25 times a second.

    Args:
        engine: what is measured.
        file: where it is shown.
    """

    def __init__(self, engine: Engine, file: TelemetryFile) -> None:
        self._engine, self._file = engine, file
        self._rate = int(engine.memory.words[r.SAMPLE_RATE])
        self._busy = self._hops = self._updates = 0
        # A second of (captured, clipped per channel), for the clipped share.
        self._clipped: deque[tuple[int, NDArray[np.int64]]] = deque(maxlen=26)

    def update(self) -> None:
        """Reads all counters into ``file.fields``; ``file.publish`` shows them."""
        words, fields = self._engine.memory.words, self._file.fields
        fields["time_ns"] = time.monotonic_ns()
        for name, index in _STRAIGHT.items():
            fields[name] = words[index]
        fields["starved_ms"] = 1e3 * int(words[r.LATE_SAMPLES]) / self._rate
        fields["gain"] = self._engine.memory.reals[r.FADE]
        fields["zeros_s"] = int(words[r.ZERO_RUN]) / self._rate
        fields["cpu_s"] = time.process_time()
        fields["latency_samples"] = words[r.LATENCY]
        fields["stream_latency_samples"] = words[r.STREAM_LATENCY]
        drift = float(self._engine.memory.reals[r.LOOP_INTEGRAL])
        fields["drift_ppm"] = -1e6 * drift / (1.0 + drift)
        self._timing()
        self._levels()
        self._clip_levels()

    def _timing(self) -> None:
        memory, fields = self._engine.memory, self._file.fields
        words = memory.words
        hop_ns = 1e9 * int(words[r.HOP]) / self._rate
        if self._updates % _PERCENTILES_EVERY == 0:
            self._percentiles()
        self._updates += 1
        fields["rtf_max"] = int(words[r.WORST_RTF_NS]) / hop_ns
        fields["wake_max_us"] = int(words[r.WORST_WAKE_NS]) * 1e-3
        busy, hops = int(words[r.BUSY_NS]), int(words[r.HOPS])
        if hops > self._hops:
            fields["load"] = (busy - self._busy) / ((hops - self._hops) * hop_ns)
        self._busy, self._hops = busy, hops

    def _percentiles(self) -> None:
        memory, fields = self._engine.memory, self._file.fields
        fields["rtf_p50"] = percentile(memory.rtf, 0.5) * r.RTF_BIN
        fields["rtf_p99"] = percentile(memory.rtf, 0.99) * r.RTF_BIN
        fields["wake_p50_us"] = percentile(memory.wake, 0.5) * r.WAKE_BIN_NS * 1e-3
        fields["wake_p99_us"] = percentile(memory.wake, 0.99) * r.WAKE_BIN_NS * 1e-3

    def _levels(self) -> None:
        reals, fields = self._engine.memory.reals, self._file.fields
        n = min(self._engine.layout.n_channels, METERED_CHANNELS)
        meters = reals[r.METER : r.METER + n * r.METERS].reshape(n, r.METERS)
        count = reals[r.METER_COUNT]
        if count > 0:
            # A hop booked between these lines shows in the next status or not at
            # all: a meter, no measurement.
            fields["peak_in"][0, :n] = meters[:, 0]
            fields["rms_in"][0, :n] = np.sqrt(meters[:, 1] / count)
            fields["peak_out"][0, :n] = meters[:, 2]
            fields["rms_out"][0, :n] = np.sqrt(meters[:, 3] / count)
            meters[:] = 0.0
            reals[r.METER_COUNT] = 0.0
        headroom = self._engine.headroom
        fields["limiter_gain_db"] = -headroom.max_reduction_db if headroom else 0.0

    def _clip_levels(self) -> None:
        fields, words = self._file.fields, self._engine.memory.words
        clips = self._engine.stream.clips[:METERED_CHANNELS]
        for c, clip in enumerate(clips):
            high, low = clip.high, clip.low
            fields["clip_high"][0, c] = high.level if high else 0.0
            fields["clip_low"][0, c] = low.level if low else 0.0
        at = r.CLIPPED_BY_CHANNEL
        now = words[at : at + len(clips)].copy()
        self._clipped.append((int(words[r.HOPS]) * int(words[r.HOP]), now))
        then, before = self._clipped[0]
        length = int(words[r.HOPS]) * int(words[r.HOP]) - then
        if length > 0:
            fields["clipped_share"][0, : len(clips)] = (now - before) / length
