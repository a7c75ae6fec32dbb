"""Sound of any length, cut into whole hops: any split of it gives the same bits."""

from collections.abc import Callable

import numpy as np

from rtdeclip.errors import InputError
from rtdeclip.types import Samples

Process = Callable[[Samples], Samples]
"""``(hop, n_channels)`` float32 to the same shape; the result is copied."""


class Hops:
    """Keeps what does not fill a hop yet.

    Args:
        hop: samples per block.
        n_channels: 1 or more.

    Attributes:
        n_pending: samples that wait for their hop to be whole.
    """

    def __init__(self, hop: int, n_channels: int) -> None:
        self.n_pending = 0
        self._hop = hop
        self._pending = np.zeros((hop, n_channels), np.float32)

    def feed(self, x: Samples, process: Process) -> Samples:
        """What ``process`` makes of the hops that ``x`` completes; see ``Stream.feed``.

        Raises:
            InputError: another number of channels.
        """
        columns = self._columns(x)
        hop = self._hop
        n_out = (self.n_pending + len(columns)) // hop * hop
        out = np.empty((n_out, self._pending.shape[1]), np.float32)
        start = 0
        for at in range(0, n_out, hop):
            take = hop - self.n_pending
            self._pending[self.n_pending :] = columns[start : start + take]
            out[at : at + hop] = process(self._pending)
            self.n_pending = 0
            start += take
        rest = len(columns) - start
        self._pending[self.n_pending : self.n_pending + rest] = columns[start:]
        self.n_pending += rest
        return out[:, 0] if x.ndim == 1 else out

    def drain(self, owed: int, process: Process) -> Samples:
        """Silence until the last ``owed`` samples are out: ``(owed, n_channels)``."""
        silence = -(-owed // self._hop) * self._hop - self.n_pending
        n_channels = self._pending.shape[1]
        return self.feed(np.zeros((silence, n_channels), np.float32), process)[:owed]

    def reset(self) -> None:
        """Forgets what is pending."""
        self.n_pending = 0

    def _columns(self, x: Samples) -> Samples:
        columns = np.asarray(x, np.float32)
        if columns.ndim == 1:
            columns = columns[:, None]
        n_channels = self._pending.shape[1]
        if columns.ndim != 2 or columns.shape[1] != n_channels:
            raise InputError(
                f"The audio has shape {np.shape(x)}; this stream takes (n_samples, "
                f"{n_channels}). Make the Stream with n_channels to fit."
            )
        return columns
