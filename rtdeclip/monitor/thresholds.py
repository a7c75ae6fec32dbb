"""The clip levels as the user steers them: automatic or locked, linked or not."""

from dataclasses import dataclass, replace

LOWEST, HIGHEST = 0.01, 4.0
Pair = tuple[float, float]


@dataclass(frozen=True, slots=True)
class Thresholds:
    """High and low clip level of every channel; immutable, each change is a new one.

    Args:
        pairs: (high, low) magnitudes per channel; 0 means not clipped.
        locked: the user's levels hold; else the detector's do.
        linked: high and low, and all channels, move together.
    """

    pairs: tuple[Pair, ...]
    locked: bool = False
    linked: bool = False

    def detected(self, pairs: tuple[Pair, ...]) -> "Thresholds":
        """What the detector says; changes nothing while locked."""
        return self if self.locked else replace(self, pairs=pairs)

    def moved(self, channel: int, polarity: int, magnitude: float) -> "Thresholds":
        """One level dragged: locks, and takes the others along when linked.

        Args:
            channel: whose.
            polarity: +1 the high, −1 the low level.
            magnitude: new level; held within ``LOWEST`` … ``HIGHEST``.
        """
        held = min(max(magnitude, LOWEST), HIGHEST)
        if self.linked:
            pairs = tuple((held, held) for _ in self.pairs)
        else:
            high, low = self.pairs[channel]
            new = (held, low) if polarity > 0 else (high, held)
            pairs = tuple(
                new if c == channel else pair for c, pair in enumerate(self.pairs)
            )
        return replace(self, pairs=pairs, locked=True)

    def with_lock(self, on: bool) -> "Thresholds":
        """Holds the levels as they stand, or lets the detector have them back."""
        return replace(self, locked=on)

    def with_link(self, on: bool) -> "Thresholds":
        """Whether they move together from now on."""
        return replace(self, linked=on)

    def request(self) -> list[list[float]] | None:
        """What the engine is asked for: levels per channel, or None to detect."""
        return [list(pair) for pair in self.pairs] if self.locked else None
