"""Clip levels of a whole recording: scan first, then stream with locked levels."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from rtdeclip.stream.clip import Clip, Plateau
from rtdeclip.stream.detect import Tally
from rtdeclip.stream.evidence import CANDIDATE, GATE, LONGEST, PEAK, TOUCHES, mask
from rtdeclip.stream.histogram import LARGEST, SAMPLES, bin_of, empty
from rtdeclip.stream.plateau import FEWEST, MOST_ABOVE
from rtdeclip.stream.runs import RunLengths
from rtdeclip.types import Samples

CHUNK_S = 8.0
"""How much sound is judged at a time when levels are looked for that changed."""
BORDER_S = 0.01
"""How finely the border between two levels is placed."""
CERTAIN = 0.9
"""Confidence from which one chunk alone may contradict the levels before it."""
MARGIN = 1.05
"""Levels this far apart are two levels."""

Counts = NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Segment:
    """One stretch of a channel with constant clip levels.

    Args:
        start_sample: first sample of the stretch.
        end_sample: one past its last sample.
        high: plateau of the positive polarity, or None.
        low: plateau of the negative polarity, or None.
    """

    start_sample: int
    end_sample: int
    high: Plateau | None
    low: Plateau | None


@dataclass(frozen=True, slots=True)
class LevelSchedule:
    """The clip levels of one channel, stretch by stretch.

    Args:
        segments: in order and without gaps, the first from sample 0. Beyond the
            last one nothing counts as clipped.
    """

    segments: tuple[Segment, ...]


class ScheduledDetector:
    """Masks one channel by its schedule: the locked twin of ``ClipDetector``.

    Args:
        schedule: the channel's levels.
        hop: block length in samples, ≥ 1.
    """

    def __init__(self, schedule: LevelSchedule, hop: int) -> None:
        self._segments = schedule.segments
        self._hop = hop
        self.high: Plateau | None = None
        self.low: Plateau | None = None
        self.reset()

    def reset(self) -> None:
        """The next block is the first of the recording."""
        self._position = 0
        self._index = 0
        self._enter()

    @property
    def constant(self) -> bool:
        """One level for the whole recording, wherever in it a block is from."""
        return len(self._segments) <= 1

    def _enter(self) -> None:
        inside = self._index < len(self._segments)
        self.high = self._segments[self._index].high if inside else None
        self.low = self._segments[self._index].low if inside else None

    def process(self, block: Samples, clip: Clip) -> None:
        """Fills ``clip`` for this block; a border inside it is honoured per sample.

        Args:
            block: ``(hop,)`` float32.
            clip: written in place; ``high`` and ``low`` are those at the block's end.
        """
        clip.count = 0
        begin = 0
        while begin < self._hop:
            end = self._hop
            if self._index < len(self._segments):
                border = self._segments[self._index].end_sample - self._position
                end = min(end, border)
            if end > begin:
                clip.count += mask(
                    block[begin:end],
                    self.high.edge if self.high else 0.0,
                    self.low.edge if self.low else 0.0,
                    clip.sign[begin:end],
                    clip.bound[begin:end],
                )
            begin = max(begin, end)
            if begin < self._hop:
                self._index += 1
                self._enter()
        self._position += self._hop
        clip.high, clip.low = self.high, self.low


@dataclass(frozen=True, slots=True)
class PolarityReport:
    """What ``rtdeclip scan`` tells of one polarity of one channel.

    Args:
        level: magnitude of the clip level, linear.
        confidence: 0 to 1.
        clipped_samples: how many samples are clipped.
        clipped_fraction: the same, of all samples of the channel.
        longest_run_samples: the longest run of clipped samples.
    """

    level: float
    confidence: float
    clipped_samples: int
    clipped_fraction: float
    longest_run_samples: int


@dataclass(frozen=True, slots=True)
class ChannelReport:
    """One channel's two polarities; None where it is not clipped."""

    high: PolarityReport | None
    low: PolarityReport | None


@dataclass
class _Found:
    # One polarity of one finished segment.
    plateau: Plateau
    clipped_samples: int
    longest_run_samples: int


class _ChannelScan:
    # One channel: chunk after chunk is counted; a chunk that contradicts the levels
    # of the segment so far begins a new one.
    def __init__(self, sample_rate: int) -> None:
        self._step = max(1, round(sample_rate * BORDER_S))
        self._steps = round(CHUNK_S / BORDER_S)
        self._tally = Tally(sample_rate, self._step, forgets=False)
        self._counts = empty()
        self._runs = RunLengths()
        self._sign = np.zeros(self._step, np.int8)
        self._bound = np.zeros(self._step, np.float32)
        self._rest = np.zeros(self._step, np.float32)
        self._n_rest = 0
        self._peaks = np.zeros((self._steps, 2))
        self._n_peaks = 0
        self._loudest = np.zeros(2)
        self._position = 0
        self._start = 0
        self._chunk_start = 0
        self._levels: list[Plateau | None] = [None, None]
        self._segments: list[Segment] = []
        self._found: tuple[list[_Found], list[_Found]] = ([], [])

    def feed(self, x: Samples) -> None:
        while len(x):
            n = min(len(x), self._step - self._n_rest)
            self._rest[self._n_rest : self._n_rest + n] = x[:n]
            self._n_rest += n
            x = x[n:]
            if self._n_rest == self._step:
                self._count(self._rest)
                self._n_rest = 0

    def finish(self) -> LevelSchedule:
        if self._n_rest:
            self._count(self._rest[: self._n_rest])
        if self._n_peaks:
            self._close_chunk()
        self._close_segment(self._position)
        return LevelSchedule(tuple(self._segments))

    def report(self) -> ChannelReport:
        return ChannelReport(self._polarity(0), self._polarity(1))

    def _count(self, y: Samples) -> None:
        self._tally.follow(y, self._sign[: len(y)], self._bound[: len(y)])
        state = self._tally.state
        self._runs.feed(y, (GATE * state[0, PEAK], GATE * state[1, PEAK]))
        usable = y[np.abs(y) < LARGEST]
        peaks = (usable.max(initial=0.0), -usable.min(initial=0.0))
        self._peaks[self._n_peaks] = peaks
        self._n_peaks += 1
        self._position += len(y)
        if self._n_peaks == self._steps:
            self._close_chunk()

    def _close_chunk(self) -> None:
        counts = self._tally.counts
        state = self._tally.state
        alone = self._ask(counts)
        self._loudest = np.maximum(self._loudest, state[:2, PEAK])
        border = self._border(alone)
        if border is not None:
            self._close_segment(border)
            self._counts[:] = counts
            self._levels = alone
            self._loudest = state[:2, PEAK].copy()
        else:
            self._counts += counts
            state[:2, PEAK] = self._loudest
            self._levels = self._ask(self._counts)
        counts.fill(0.0)
        state[:2, PEAK] = 0.0
        self._n_peaks = 0
        self._chunk_start = self._position

    def _ask(self, counts: Counts) -> list[Plateau | None]:
        tally = self._tally
        mine, tally.counts = tally.counts, counts
        tally.judge()
        tally.counts = mine
        return [tally.plateau(p) or tally.lone_run(p) for p in range(2)]

    def _border(self, alone: list[Plateau | None]) -> int | None:
        # Where the levels so far end, if this chunk contradicts them.
        for p in range(2):
            then, now = self._levels[p], alone[p]
            if now and now.confidence < CERTAIN:
                now = None
            peaks = self._peaks[: self._n_peaks, p]
            if then is None:
                if now and self._rises_above(self._counts[p, SAMPLES], now):
                    return self._chunk_start
            elif self._rises_above(self._tally.counts[p, SAMPLES], then):
                beyond = np.flatnonzero(peaks > then.level * MARGIN)
                return self._chunk_start + self._step * int(beyond[0])
            elif now and now.level * MARGIN < then.level:
                at = np.flatnonzero(peaks >= then.edge)
                last = int(at[-1]) + 1 if len(at) else 0
                return self._chunk_start + self._step * last
        return None

    @staticmethod
    def _rises_above(samples: NDArray[np.float32], plateau: Plateau) -> bool:
        # Does the sound go on beyond the plateau, by more than smear and outliers?
        over = float(samples[bin_of(plateau.level * MARGIN) + 1 :].sum())
        on = float(samples[bin_of(plateau.edge) :].sum()) - over
        return over > max(FEWEST, MOST_ABOVE * on)

    def _close_segment(self, end: int) -> None:
        high, low = self._levels
        if end > self._start:
            self._segments.append(Segment(self._start, end, high, low))
        for p, plateau in enumerate((high, low)):
            if plateau is not None:
                self._found[p].append(self._measure(p, plateau))
        self._start = end
        self._runs.clear()

    def _measure(self, p: int, plateau: Plateau) -> _Found:
        row = self._tally.state[p]
        if plateau.edge == Plateau.digital(plateau.level).edge:
            if row[CANDIDATE] == plateau.level:  # counted exactly, not by bins
                return _Found(plateau, int(row[TOUCHES]), int(row[LONGEST]))
            first = bin_of(plateau.level)
        else:
            first = bin_of(plateau.edge)
        count = int(self._counts[p, SAMPLES, first:].sum())
        return _Found(plateau, count, self._runs.above(p, first))

    def _polarity(self, p: int) -> PolarityReport | None:
        if not self._found[p]:
            return None
        worst = max(self._found[p], key=lambda found: found.clipped_samples)
        clipped = sum(found.clipped_samples for found in self._found[p])
        return PolarityReport(
            worst.plateau.level,
            worst.plateau.confidence,
            clipped,
            clipped / self._position,
            max(found.longest_run_samples for found in self._found[p]),
        )


class LevelScanner:
    """Finds the clip levels of a recording that is fed piece by piece.

    Args:
        sample_rate: Hz.
        n_channels: ≥ 1.
    """

    def __init__(self, sample_rate: int, n_channels: int) -> None:
        self._channels = [_ChannelScan(sample_rate) for _ in range(n_channels)]

    def feed(self, x: Samples) -> None:
        """``(n, n_channels)`` float32, any n."""
        for c, channel in enumerate(self._channels):
            channel.feed(np.ascontiguousarray(x[:, c], dtype=np.float32))

    def finish(self) -> list[LevelSchedule]:
        """One schedule a channel; call once, after the last piece."""
        return [channel.finish() for channel in self._channels]

    def reports(self) -> list[ChannelReport]:
        """What was found, one a channel; after ``finish``."""
        return [channel.report() for channel in self._channels]
