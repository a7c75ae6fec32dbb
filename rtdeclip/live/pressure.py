"""Overload: when to ask the processor for less, and when to allow more again.

Late hops, or a worker busy for most of the time, ask the Stream to ease; ten quiet
seconds let it recover one step. A recovery that ends in overload again doubles the
wait, so that a machine at its limit does not swing.
"""

BUSY = 0.85
QUIET = 0.5
PATIENCE_S = 0.3  # between two steps down: a change needs a crossfade to show
WAIT_S = 10.0
LONGEST_WAIT_S = 320.0


class Pressure:
    """Judges a live worker by its clock; all times in seconds."""

    def __init__(self) -> None:
        self._late = 0
        self._load = 0.0
        self._last_change = float("-inf")
        self._calm_since = 0.0
        self._wait = WAIT_S
        self._recovered_at: float | None = None

    def judge(self, now: float, late_hops: int, load: float) -> int:
        """What to do: −1 ease, +1 recover, 0 nothing.

        Args:
            now: monotonic time.
            late_hops: counter, never falling but for a reset.
            load: share of the last while that the worker was busy, 0 … 1 and above.
        """
        late = late_hops > self._late
        self._late = late_hops
        self._load += 0.3 * (load - self._load)
        if late or self._load > BUSY:
            return self._overload(now)
        if self._load > QUIET:
            self._calm_since = now
        if now - self._calm_since >= self._wait:
            self._calm_since = self._recovered_at = now
            return 1
        return 0

    def _overload(self, now: float) -> int:
        self._calm_since = now
        if now - self._last_change < PATIENCE_S:
            return 0
        if self._recovered_at is not None:
            failed = now - self._recovered_at < self._wait
            self._wait = min(2 * self._wait, LONGEST_WAIT_S) if failed else WAIT_S
            self._recovered_at = None
        self._last_change = now
        return -1
