"""Where the sound is clipped, as it arrives: levels and masks of one channel.

A block is first counted and judged (``evidence``), then masked, so it may profit from
itself; what was handed out is never revised. Quiet blocks (nothing within ``GATE`` of
the recent peak) are only masked.
"""

from collections.abc import Sequence

import numpy as np

from rtdeclip.errors import SettingError
from rtdeclip.stream.clip import Clip, Plateau
from rtdeclip.stream.evidence import (
    CANDIDATE,
    CONFIDENCE,
    DIGITAL,
    EDGE,
    GIVEN,
    GROWTH,
    KIND,
    LENT,
    LEVEL,
    N_FIELDS,
    NONE,
    PEAK,
    PEAK_DECAY,
    RUNS,
    SAME,
    SMEARED,
    STEP,
    TEST_EVERY,
    TOUCHES,
    UNTIL_TEST,
    VERSION,
    WEIGHT,
    edge,
    follow,
    judge,
)
from rtdeclip.stream.histogram import empty
from rtdeclip.stream.plateau import EDGES, OFFSETS, SCRATCH
from rtdeclip.types import Samples, Signs

HALF_LIFE_S = 4.0
"""How fast the histogram forgets, in time with loud samples."""
TEST_EVERY_S = 0.2
"""How often the histogram is asked, in time with loud samples."""
PEAK_HALF_LIFE_S = 8.0
FEWEST_TOUCHES = 6
"""Samples at the highest value of all that make one flat run enough."""


class Tally:
    """What one channel has shown so far, and the kernels' work space.

    Args:
        sample_rate: Hz, > 0.
        hop: block length in samples.
        forgets: old sound fades (live); otherwise all of it counts alike (scan).
    """

    def __init__(self, sample_rate: int, hop: int, *, forgets: bool) -> None:
        seconds = hop / sample_rate if forgets else 0.0
        self.counts = empty()
        self.state = np.zeros((4, N_FIELDS))
        self._work = (OFFSETS, EDGES, np.zeros((3, SCRATCH), np.float32))
        self.found = np.full((2, 3), -np.inf)
        self._constants = np.zeros(N_FIELDS)
        self._constants[GROWTH] = 2.0 ** (seconds / HALF_LIFE_S)
        self._constants[TEST_EVERY] = TEST_EVERY_S * sample_rate if forgets else np.inf
        self._constants[PEAK_DECAY] = 0.5 ** (seconds / PEAK_HALF_LIFE_S)
        self.clear()

    def clear(self) -> None:
        """As new."""
        self.counts.fill(0.0)
        self.state.fill(0.0)
        self.state[3] = self._constants
        self.state[2, WEIGHT] = 1.0
        self.state[2, UNTIL_TEST] = self._constants[TEST_EVERY]
        self.state[2, STEP] = np.inf

    def follow(self, block: Samples, sign: Signs, bound: Samples) -> int:
        """Counts, judges and masks one block; the number of clipped samples."""
        return int(
            follow(
                block,
                block.view(np.int32),
                sign,
                bound,
                self.counts,
                self.state,
                *self._work,
                self.found,
            )
        )

    def judge(self) -> None:
        """Asks the histograms now."""
        judge(self.counts, self.state, *self._work, self.found)

    def lone_run(self, polarity: int) -> Plateau | None:
        """A digital plateau shown by one flat run only, if all else supports it.

        For recordings heard to their end: the run is at the highest value of all,
        and single samples touch that value too.
        """
        row = self.state[polarity]
        top = row[CANDIDATE] >= row[PEAK] * (1.0 - SAME)
        if row[RUNS] >= 1.0 and row[TOUCHES] >= FEWEST_TOUCHES and top:
            m = float(row[CANDIDATE])
            return Plateau(m, m * (1.0 - SAME), 0.5)
        return None

    def plateau(self, polarity: int) -> Plateau | None:
        """The plateau in force: polarity 0 is positive, 1 negative."""
        row = self.state[polarity]
        if row[LEVEL] <= 0.0:
            return None
        sure = float(row[CONFIDENCE])
        if row[KIND] == DIGITAL:
            sure = max(sure, 1.0 - 0.5 ** float(row[RUNS]))
        return Plateau(float(row[LEVEL]), float(row[EDGE]), sure)


class ClipDetector:
    """Levels and masks of one channel, block by block; masks are never revised.

    Args:
        sample_rate: Hz, > 0.
        hop: block length in samples, ≥ 1.
        high: the positive plateau, if it is known at the start.
        low: the negative plateau.
        locked: take ``high`` and ``low`` (None: that polarity is not clipped) as
            they are, for good: nothing is detected, blocks are only masked.

    Attributes:
        high: the positive plateau now in force, or None.
        low: the negative one, its level a magnitude.

    Raises:
        SettingError: ``sample_rate`` or ``hop`` is not positive.
    """

    def __init__(
        self,
        sample_rate: int,
        hop: int,
        *,
        high: Plateau | None = None,
        low: Plateau | None = None,
        locked: bool = False,
    ) -> None:
        if sample_rate <= 0 or hop <= 0:
            raise SettingError(
                f"A detector for {sample_rate} Hz and blocks of {hop} samples cannot "
                "be made: both must be positive. Give the sound's own rate."
            )
        self._given = (high, low, locked)
        self._tally = Tally(sample_rate, hop, forgets=True)
        self._block = np.zeros(hop, np.float32)
        self.high: Plateau | None = None
        self.low: Plateau | None = None
        self.reset()

    def reset(self) -> None:
        """Forget all sound; the levels given at construction are in force again."""
        self._tally.clear()
        self._set(*self._given)

    def lock(self, high: Plateau | None, low: Plateau | None) -> None:
        """From the next block on these levels hold, and nothing is detected."""
        self._set(high, low, True)

    def _set(self, high: Plateau | None, low: Plateau | None, locked: bool) -> None:
        for row, plateau in zip(self._tally.state[:2], (high, low), strict=True):
            row[KIND] = GIVEN if locked else (SMEARED if plateau else NONE)
            row[LEVEL] = plateau.level if plateau else 0.0
            row[EDGE] = plateau.edge if plateau else 0.0
            row[CONFIDENCE] = plateau.confidence if plateau else 0.0
            row[LENT] = 0.0
        self.high, self.low = high, low
        self._version = self._tally.state[3, VERSION]
        self._lent: list[Plateau | None] = [None, None]

    def lend(self, polarity: int, plateau: Plateau | None) -> None:
        """Another channel's plateau, to hold while none is found in this one.

        It is not taken, or given up again, where this channel goes on beyond it.

        Args:
            polarity: 0 positive, 1 negative.
            plateau: None takes it back.
        """
        self._lent[polarity] = plateau
        self._tally.state[polarity, LENT] = plateau.edge if plateau else 0.0

    def process(self, block: Samples, clip: Clip) -> None:
        """Fills ``clip`` for this block.

        Args:
            block: ``(hop,)`` float32.
            clip: written in place: masks, bounds, count and the levels in force.
        """
        self._block[:] = block
        clip.count = self._tally.follow(self._block, clip.sign, clip.bound)
        version = self._tally.state[3, VERSION]
        if version != self._version:
            self._version = version
            self.high, self.low = self._tally.plateau(0), self._tally.plateau(1)
        clip.high = self.high or self._borrowed(0)
        clip.low = self.low or self._borrowed(1)

    def _borrowed(self, polarity: int) -> Plateau | None:
        lent = self._lent[polarity]
        return lent if lent and edge(self._tally.state[polarity]) > 0.0 else None


def link(detectors: Sequence[ClipDetector]) -> None:
    """Channels recorded alike: the surest plateau of each polarity is lent to all.

    One channel that clips often then shows the level for another that rarely does.

    Args:
        detectors: one a channel; call after each block.
    """
    for polarity in range(2):
        own = [d.low if polarity else d.high for d in detectors]
        surest = max(filter(None, own), key=lambda p: p.confidence, default=None)
        for detector in detectors:
            detector.lend(polarity, surest)
