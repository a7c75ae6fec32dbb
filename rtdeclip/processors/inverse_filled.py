"""An inverse whose samples that were cut at full scale are filled in.

What an overdrive drives beyond full scale is cut there when it is stored: of those
samples an inverse knows the sign and the least magnitude, which is ordinary clipping.
``ar`` restores them, later by its look-ahead: on a test file of which 0.06 % was cut,
31 dB become 44 (and all but those samples have 77 to 83).
"""

import numpy as np

from rtdeclip.processors import ar
from rtdeclip.stream.clip import Clip
from rtdeclip.stream.processor import Processor
from rtdeclip.types import Samples

FULL_SCALE = 1.0 - 1.5 * 2.0**-15  # the highest 16-bit sample, and what is above it


class FilledInverse:
    """One channel, undistorted as it streams, and filled in.

    Args:
        inverse: what undoes the distortion, without latency.
        sample_rate: Hz.
        look_ahead: future that the filling sees, ms; the latency.
    """

    def __init__(
        self, inverse: Processor, sample_rate: int, look_ahead: float = 16.0
    ) -> None:
        self.hop = inverse.hop
        self._inverse = inverse
        self._fill = ar.make(sample_rate, look_ahead=look_ahead, hop=inverse.hop)
        self.latency_samples = self._fill.latency_samples
        self._cut = Clip(inverse.hop)

    def process(self, block: Samples, clip: Clip) -> Samples:
        """The clean block of ``latency_samples`` ago; see ``Processor.process``."""
        x, cut = self._inverse.process(block, clip), self._cut
        np.sign(block, out=cut.sign, casting="unsafe")
        cut.sign *= np.abs(block) >= FULL_SCALE
        cut.count = int(np.count_nonzero(cut.sign))
        np.abs(x, out=cut.bound)
        cut.bound *= cut.sign != 0
        return self._fill.process(x, cut)

    def reset(self) -> None:
        """The next block is the first of a recording."""
        self._inverse.reset()
        self._fill.reset()
