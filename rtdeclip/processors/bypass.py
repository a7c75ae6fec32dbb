"""bypass: the input as it is; the host's own delay keeps it in time.

Latency 0, cost none. The reference row of every table, and the fastest rung of
``auto``.
"""

from rtdeclip.stream.clip import Clip
from rtdeclip.stream.processor import Method, Rung, Setting
from rtdeclip.types import Samples


class Bypass:
    """Hands every block back."""

    latency_samples = 0

    def __init__(self, hop: int) -> None:
        self.hop = hop

    def process(self, block: Samples, clip: Clip) -> Samples:
        """``block`` itself; see ``Processor.process``."""
        return block

    def reset(self) -> None:
        """Nothing to forget."""


def make(sample_rate: int, hop: int = 0) -> Bypass:
    """``hop`` samples per block; 0 takes 256 at 48 kHz and its like elsewhere."""
    return Bypass(hop or default_hop(sample_rate))


def default_hop(sample_rate: int) -> int:
    """The power of two nearest below 6 ms: 256 at 44.1/48 kHz, 64 at 16 kHz.

    Example:
        >>> [default_hop(rate) for rate in (8000, 16000, 44100, 48000, 192000)]
        [32, 64, 256, 256, 1024]
    """
    return 1 << int(0.006 * sample_rate).bit_length() - 1


METHOD = Method(
    name="bypass",
    summary="The input, delayed only; for comparison.",
    make=make,
    settings=(
        Setting("hop", 0, "block length; 0 chooses by rate", "samples", 0, 16384),
    ),
    rungs=(Rung((), 1e-5, (0.0, 0.0, 0.0, 0.0, 0.0)),),
)
