"""The detectors of all channels: by ear, by a recording's scan, or locked by a host."""

from collections.abc import Sequence
from typing import Protocol

from rtdeclip.errors import SettingError
from rtdeclip.stream.clip import Clip, Plateau
from rtdeclip.stream.detect import ClipDetector, link
from rtdeclip.stream.levels import LevelSchedule, ScheduledDetector
from rtdeclip.types import Samples


class Detector(Protocol):
    """What is asked of a detector of one channel."""

    def process(self, block: Samples, clip: Clip) -> None:
        """Fills ``clip`` with the masks and levels of ``block``."""
        ...

    def reset(self) -> None:
        """Forgets all audio."""
        ...


class Detection:
    """One detector per channel.

    Args:
        sample_rate: Hz.
        hop: samples per block.
        n_channels: 1 or more.
        levels: locked clip levels per channel, from a scan; None detects causally.
        linked: see ``Stream``.
    """

    def __init__(
        self,
        sample_rate: int,
        hop: int,
        n_channels: int,
        levels: Sequence[LevelSchedule] | None,
        linked: bool,
    ) -> None:
        self._form = sample_rate, hop
        self._own: list[Detector] = [
            ScheduledDetector(levels[channel], hop)
            if levels
            else ClipDetector(sample_rate, hop)
            for channel in range(n_channels)
        ]
        self._used = self._own
        self._linked = [
            detector
            for detector in self._own
            if linked and n_channels > 1 and isinstance(detector, ClipDetector)
        ]

    def process(self, dry: Samples, clips: Sequence[Clip]) -> None:
        """Fills the masks and levels of one block.

        Args:
            dry: ``(n_channels, hop)`` float32, finite.
            clips: one per channel, filled.
        """
        for detector, block, clip in zip(self._used, dry, clips, strict=True):
            detector.process(block, clip)
        if self._linked:
            link(self._linked)

    def lock(
        self, levels: Sequence[tuple[Plateau | None, Plateau | None]] | None
    ) -> None:
        """See ``Stream.lock_levels``."""
        if any(isinstance(d, ScheduledDetector) and not d.constant for d in self._own):
            raise SettingError(
                "The clip levels of this recording change and follow its scan. "
                "Give others from the start: rtdeclip file --level"
            )
        if levels is None:
            self._used = self._own
            return
        if len(levels) != len(self._own):
            raise SettingError(
                f"Levels are given for {len(levels)} channels, the stream has "
                f"{len(self._own)}; give a pair per channel."
            )
        # New ones: the worker may be inside the old ones just now.
        self._used = [
            ClipDetector(*self._form, high=high, low=low, locked=True)
            for high, low in levels
        ]

    def reset(self) -> None:
        """Forgets all audio; what is locked stays locked."""
        for detector in (*self._own, *self._used):
            detector.reset()
