"""How far an amplitude axis reaches, and what is written on it."""

from rtdeclip.monitor.words import signed

RANGES = (0.1, 0.14, 0.2, 0.28, 0.4, 0.56, 0.8, 1.05, 1.5, 2.1, 3.0, 4.0)
_MARKS_DB = (12, 6, 0, -6, -12, -20, -30)
_CALM_FRAMES = 60


class Scale:
    """Grows at once, shrinks when it has been too large for two seconds of frames.

    Attributes:
        magnitude: the axis reaches from −magnitude to magnitude.
    """

    def __init__(self) -> None:
        self.magnitude = RANGES[0]
        self._calm = 0

    def fit(self, peak: float) -> float:
        """The magnitude for a frame whose highest sample is ``peak``."""
        fitting = next((r for r in RANGES if r >= peak), RANGES[-1])
        self._calm = self._calm + 1 if fitting < self.magnitude else 0
        if fitting > self.magnitude or self._calm > _CALM_FRAMES:
            self.magnitude, self._calm = fitting, 0
        return self.magnitude


def decibel_marks(magnitude: float) -> list[tuple[float, str]]:
    """Places and words of an amplitude axis from −``magnitude`` to ``magnitude``.

    Example:
        >>> decibel_marks(1.05)[:3]
        [(0.0, '−∞'), (1.0, '0 dB'), (-1.0, '0 dB')]
    """
    marks, nearest = [(0.0, "−∞")], 1.3 * magnitude
    for db in _MARKS_DB:
        place = 10 ** (db / 20)
        if 0.2 * magnitude < place < min(magnitude, nearest - 0.2 * magnitude):
            marks += [(sign * place, f"{signed(db, 0)} dB") for sign in (1, -1)]
            nearest = place
    return marks


def time_marks(span_s: float) -> list[tuple[float, str]]:
    """Three places of a time axis that ends now.

    Example:
        >>> time_marks(2.0)[0]
        (-0.5, '−0.5 s')
    """
    unit, word = (1.0, "s") if span_s > 0.5 else (1e3, "ms")
    ages = (-span_s * quarter / 4 for quarter in (1, 2, 3))
    return [(age, f"{signed(age * unit)} {word}") for age in ages]
