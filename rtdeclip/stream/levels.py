"""Clip levels of a whole recording: scan first, then stream with locked levels."""

from dataclasses import dataclass

import numpy as np

from rtdeclip.stream.clip import Clip, Plateau
from rtdeclip.stream.detect import (
    GROWTH,
    PEAK_DECAY,
    follow,
    judge,
    mask,
    new_state,
    plateau_of,
)
from rtdeclip.stream.histogram import empty, place_of
from rtdeclip.types import Samples


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


class _ChannelScan:
    def __init__(self, sample_rate: int) -> None:
        self._hop = 1024
        self._hist = empty()
        self._state = new_state(self._hop, sample_rate)
        self._state[3, GROWTH] = 1.0
        self._state[3, PEAK_DECAY] = 1.0
        self._found = np.zeros(3)
        self._runs = np.zeros((2, 2), np.int64)
        self._sign = np.zeros(self._hop, np.int8)
        self._bound = np.zeros(self._hop, np.float32)
        self._n_samples = 0
        self.report = ChannelReport(None, None)

    def feed(self, x: Samples) -> None:
        for start in range(0, len(x), self._hop):
            part = x[start : start + self._hop]
            follow(
                part,
                part.view(np.int32),
                self._sign[: len(part)],
                self._bound[: len(part)],
                self._hist,
                self._state,
                self._found,
            )
        self._n_samples += len(x)

    def finish(self) -> LevelSchedule:
        judge(self._hist, self._state, self._found)
        high, low = plateau_of(self._state[0]), plateau_of(self._state[1])
        self.report = ChannelReport(self._polarity(0, high), self._polarity(1, low))
        return LevelSchedule((Segment(0, self._n_samples, high, low),))

    def _polarity(self, p: int, plateau: Plateau | None) -> PolarityReport | None:
        if plateau is None:
            return None
        count = int(self._hist[p, int(place_of(plateau.edge)) :].sum())
        return PolarityReport(
            plateau.level, plateau.confidence, count, count / self._n_samples, 0
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
        return [channel.report for channel in self._channels]
