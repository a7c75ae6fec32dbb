"""The last minute of processing load, and what changed in the counters."""

from collections import deque
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from rtdeclip.live.telemetry import Status

EVERY_S = 0.1
SPAN_S = 60.0
FLOOR = 1e-3
"""Loads below a thousandth of real time are drawn as that."""


@dataclass(frozen=True, slots=True)
class LoadTrace:
    """What the load strip draws; ages in s, 0 now, negative before.

    Args:
        age_s: ``(n,)``.
        load: ``(n,)`` mean RTF of each tenth of a second, ≥ ``FLOOR``.
        late_age_s: ``(m,)`` when hops were late.
    """

    age_s: NDArray[np.float64]
    load: NDArray[np.float64]
    late_age_s: NDArray[np.float64]


class LoadHistory:
    """Collects the load ten times a second."""

    def __init__(self) -> None:
        self._points: deque[tuple[float, float, int]] = deque(
            maxlen=round(SPAN_S / EVERY_S)
        )
        self._late_hops = -1

    def add(self, status: Status, now_s: float) -> None:
        """A status seen at ``now_s`` (any clock that only goes forward)."""
        if self._points and now_s - self._points[-1][0] < EVERY_S:
            return
        known = self._late_hops >= 0
        late = max(0, status.late_hops - self._late_hops) if known else 0
        self._late_hops = status.late_hops
        self._points.append((now_s, max(FLOOR, status.load), late))

    def trace(self, now_s: float) -> LoadTrace:
        """The last ``SPAN_S`` seconds."""
        points = np.array(self._points, np.float64).reshape(-1, 3)
        points = points[points[:, 0] >= now_s - SPAN_S]
        age = points[:, 0] - now_s
        return LoadTrace(age, points[:, 1], age[points[:, 2] > 0])
