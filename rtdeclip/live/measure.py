"""The round trip, measured: a known sequence through a loop, timed where it returns.

Connect the output to the input (a cable, or a virtual cable). The sequence takes the
place of the Stream and passes the very rings that sound passes, so what is measured
is the whole way: device out, device in, hop and rings.
"""

from dataclasses import dataclass

import numpy as np

from rtdeclip.stream.clip import Clip
from rtdeclip.types import Samples

LENGTH_S = 1.0
WAIT_S = 1.5
"""Longest round trip that can be measured."""
_LEVEL = 0.1
_CLEAR = 4.0
"""The correlation's peak must stand out so many times above the next best."""
_NEIGHBOURHOOD = 16


@dataclass(frozen=True, slots=True)
class RoundTrip:
    """A measured round trip.

    Args:
        samples: from output to input and through the engine; −1: nothing came back.
        clarity: the correlation's peak against the next best; below 4 it is no
            measurement.
        gain_db: level of what came back against what was sent.
    """

    samples: int
    clarity: float
    gain_db: float


class SequenceStream:
    """In the place of a Stream: sends noise once, keeps what arrives.

    Args:
        sample_rate: Hz.
        n_channels: all send the same, the first one listens.
        hop: samples.
    """

    latency_samples = 0

    def __init__(self, sample_rate: int, n_channels: int, hop: int) -> None:
        self.hop, self.n_channels = hop, n_channels
        self.clips = [Clip(hop) for _ in range(n_channels)]
        n = round(LENGTH_S * sample_rate)
        signs = np.random.default_rng(0).integers(0, 2, n) * 2 - 1
        self._sequence = (signs * np.float32(_LEVEL)).astype(np.float32)
        wait = round(WAIT_S * sample_rate)
        self._heard = np.zeros(n + 2 * wait, np.float32)
        self._lead = wait // 4  # until the fade-in is over
        self._out = np.zeros((hop, n_channels), np.float32)
        self._at = 0

    def process(self, block: Samples) -> Samples:
        """Keeps ``block``, returns the sequence's next hop."""
        start, n = self._at, self.hop
        room = self._heard[start : start + n]
        room[:] = block[: len(room), 0]
        self._out.fill(0.0)
        first = start - self._lead
        part = self._sequence[max(0, first) : max(0, first + n)]
        offset = max(0, -first)
        self._out[offset : offset + len(part)] = part[:, None]
        self._at += n
        return self._out

    def reset(self) -> None:
        """Nothing to forget: the sequence goes on."""

    @property
    def done(self) -> bool:
        """True when all has been heard."""
        return self._at >= len(self._heard)

    def round_trip(self) -> RoundTrip:
        """Where in what was heard the sequence begins, by correlation."""
        n = 1 << (2 * len(self._heard) - 1).bit_length()
        heard = np.fft.rfft(self._heard, n)
        sent = np.fft.rfft(self._sequence, n)
        match = np.abs(np.fft.irfft(heard * sent.conj(), n)[: len(self._heard)])
        peak = int(np.argmax(match))
        height = float(match[peak])
        match[max(0, peak - _NEIGHBOURHOOD) : peak + _NEIGHBOURHOOD] = 0.0
        clarity = height / max(float(match.max()), 1e-12)
        energy = float(np.sum(self._sequence.astype(np.float64) ** 2))
        gain_db = 20.0 * np.log10(max(height / energy, 1e-12))
        if clarity < _CLEAR or peak < self._lead:
            return RoundTrip(-1, clarity, gain_db)
        return RoundTrip(peak - self._lead, clarity, gain_db)
