"""Which bank of processors is heard, and the crossfade from one to the next."""

from collections.abc import Sequence

import numpy as np

from rtdeclip.stream.bank import Bank, Faults
from rtdeclip.stream.clip import Clip
from rtdeclip.types import Samples


class Switcher:
    """Runs a bank and, when told to, glides to another without a click.

    The coming bank runs silently until its delay is filled, then fades in.

    Args:
        bank: the first bank.
        n_channels: number of channels.
        fade_samples: length of the crossfade.

    Attributes:
        faults: what the processors did wrong.
    """

    def __init__(self, bank: Bank, n_channels: int, fade_samples: int) -> None:
        self._bank = bank
        self._coming: Bank | None = None
        self._n_channels = n_channels
        self._fade_samples = fade_samples
        self._countdown = 0
        self.faults = Faults()
        # All channels' masks as joint processors see them.
        self._clip = Clip((bank.hop, n_channels))

    @property
    def bank(self) -> Bank:
        """The bank in force; during a change, the coming one."""
        return self._coming or self._bank

    def switch(self, bank: Bank) -> None:
        """Begins the change to ``bank``, of the same hop and latency."""
        self._bank, self._coming = self.bank, bank
        fill = -(-bank.latency_samples // bank.hop) + 1
        self._countdown = fill * bank.hop + self._fade_samples

    def process(self, dry: Samples, clips: Sequence[Clip]) -> Sequence[Samples | None]:
        """The wet block of every channel; None where dry must be played.

        Args:
            dry: ``(n_channels, hop)`` float32.
            clips: the masks of each channel.
        """
        if self._coming is None:
            return self._run(self._bank, dry, clips)
        old = self._run(self._bank, dry, clips)
        new = self._run(self._coming, dry, clips)
        at = self._countdown - np.arange(self._bank.hop, dtype=np.float32)
        share: Samples = np.clip(1.0 - at / self._fade_samples, 0.0, 1.0)
        self._countdown -= self._bank.hop
        if self._countdown <= 0:
            self._bank, self._coming = self._coming, None
        return [_mix(a, b, share) for a, b in zip(old, new, strict=True)]

    def fault(self, channel: int, reason: str) -> None:
        """Counts a block that was unfit to be heard and starts its processor anew."""
        for bank in (self._bank, self._coming):
            if bank:
                bank.fault(0 if bank.joint else channel, self.faults, reason)

    def reset(self) -> None:
        """Forgets all audio; a change under way is finished."""
        self._bank, self._coming = self.bank, None
        self._bank.reset()

    def _run(
        self, bank: Bank, dry: Samples, clips: Sequence[Clip]
    ) -> Sequence[Samples | None]:
        if not bank.joint:
            return [
                bank.process(c, dry[c], clips[c], self.faults)
                for c in range(self._n_channels)
            ]
        for c, clip in enumerate(clips):
            self._clip.sign[:, c], self._clip.bound[:, c] = clip.sign, clip.bound
        self._clip.count = sum(clip.count for clip in clips)
        loudest = max(clips, key=lambda clip: clip.level)
        self._clip.high, self._clip.low = loudest.high, loudest.low
        wet = bank.process(0, np.ascontiguousarray(dry.T), self._clip, self.faults)
        return [None] * self._n_channels if wet is None else list(wet.T.copy())


def _mix(old: Samples | None, new: Samples | None, share: Samples) -> Samples | None:
    if old is None or new is None:
        return new if old is None else old
    return old + share * (new - old)
