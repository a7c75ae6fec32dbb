"""What is known about the clipping of one block: masks and levels."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from rtdeclip.types import Samples, Signs


@dataclass(frozen=True, slots=True)
class Plateau:
    """One clip level of one polarity of one channel.

    Args:
        level: θ_c, the plateau's magnitude, linear, > 0.
        edge: lower edge of the plateau, 0 < edge ≤ level. Samples at or beyond it
            count as clipped, and a restored sample must reach it. Digital clipping
            has width zero: ``edge = level · (1 − 1e-6)``; noise, dither, resampling
            and codecs smear the plateau and lower the edge.
        confidence: 0 (a guess) to 1 (certain).
    """

    level: float
    edge: float
    confidence: float = 1.0

    @classmethod
    def digital(cls, level: float) -> "Plateau":
        """A plateau of width zero at ``level`` (linear, > 0)."""
        return cls(level, level * (1.0 - 1e-6))


class Clip:
    """Clipping of one block of one channel (or of all, for joint processors).

    The arrays are filled in place, block after block; a processor that needs them
    later must copy them.

    Attributes:
        sign: ``(hop,)`` int8: 0 reliable, +1 clipped high, −1 clipped low.
            ``(hop, n_channels)`` for joint processors, as is ``bound``.
        bound: ``(hop,)`` float32, linear magnitude ≥ 0: where ``sign`` is not 0, the
            restored sample x must satisfy ``sign · x ≥ bound``; 0 where reliable.
            The level can change within a block.
        count: number of clipped samples in this block; 0 means nothing to restore.
        high: the plateau of the positive polarity now in force, or None.
        low: the plateau of the negative polarity (a magnitude), or None.
    """

    __slots__ = ("bound", "count", "high", "low", "sign")

    def __init__(self, shape: int | tuple[int, ...]) -> None:
        self.sign: Signs = np.zeros(shape, np.int8)
        self.bound: Samples = np.zeros(shape, np.float32)
        self.count = 0
        self.high: Plateau | None = None
        self.low: Plateau | None = None

    @property
    def reliable(self) -> NDArray[np.bool_]:
        """M_R: True where the sample was not clipped."""
        return np.asarray(self.sign == 0)

    @property
    def clipped_high(self) -> NDArray[np.bool_]:
        """M_H: True where the sample was clipped at the positive level."""
        return np.asarray(self.sign > 0)

    @property
    def clipped_low(self) -> NDArray[np.bool_]:
        """M_L: True where the sample was clipped at the negative level."""
        return np.asarray(self.sign < 0)

    @property
    def level(self) -> float:
        """θ_c: the larger of the two levels in force, linear; 0.0 if none."""
        return max(
            self.high.level if self.high else 0.0, self.low.level if self.low else 0.0
        )

    def clear(self) -> None:
        """Nothing clipped, no level known."""
        self.sign.fill(0)
        self.bound.fill(0.0)
        self.count = 0
        self.high = self.low = None
