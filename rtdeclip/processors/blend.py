"""blend: A-SPADE and linear prediction averaged, better than either.

The two err differently: A-SPADE from what is sparse in frequency, linear prediction
from what repeats. Both estimates lie in the convex set of consistent signals, so their
average does too, and its error is smaller than the mean of theirs. On test audio the
average gains 0.3 to 1.0 dB over the better of the two from 7 dB input SDR upwards;
below, where linear prediction fails, A-SPADE alone is better (``auto`` chooses).

Latency: that of the slower one at its hop. Cost: the sum, nearly all of it linear
prediction's, which grows fast with the clipped share. It fails where both do: noise
and percussion.
"""

import numpy as np

from rtdeclip.processors import ar, aspade
from rtdeclip.processors.bypass import default_hop
from rtdeclip.stream.clip import Clip
from rtdeclip.stream.processor import Method, Processor, Rung, Setting
from rtdeclip.stream.rebuffer import fit_processor
from rtdeclip.types import Samples


class Blend:
    """The weighted mean of two processors, brought to one hop and latency.

    Args:
        first: its weight is ``1 − share``.
        second: its weight is ``share``.
        hop: block length in samples.
        share: 0 to 1.
    """

    def __init__(
        self, first: Processor, second: Processor, hop: int, share: float
    ) -> None:
        slowest = max(
            fit_processor(one, hop, 0).latency_samples for one in (first, second)
        )
        self._first = fit_processor(first, hop, slowest)
        self._second = fit_processor(second, hop, slowest)
        self.hop, self.latency_samples = hop, slowest
        self._share = np.float32(share)
        self._mixed = np.zeros(hop, np.float32)

    def process(self, block: Samples, clip: Clip) -> Samples:
        """See ``Processor.process``."""
        a = self._first.process(block, clip)
        b = self._second.process(block, clip)
        np.subtract(b, a, out=self._mixed)
        self._mixed *= self._share
        self._mixed += a
        return self._mixed

    def reset(self) -> None:
        """Forgets all audio."""
        self._first.reset()
        self._second.reset()


def make(
    sample_rate: int, share: float = 0.6, window_ms: float = 25.0, hop: int = 0
) -> Blend:
    """A blend for ``sample_rate``; settings as declared in ``METHOD``."""
    return Blend(
        ar.METHOD.build(sample_rate),
        aspade.METHOD.build(sample_rate, window_ms=window_ms),
        hop or default_hop(sample_rate),
        share,
    )


METHOD = Method(
    name="blend",
    summary="A-SPADE and linear prediction averaged; better than either alone.",
    make=make,
    settings=(
        Setting("share", 0.6, "weight of A-SPADE", "", 0.0, 1.0),
        Setting("window_ms", 25.0, "A-SPADE's frame length", "ms", 5.0, 400.0),
        Setting("hop", 0, "block length; 0 chooses by rate", "samples", 0, 16384),
    ),
    source="as aspade and ar; the average is this project's own",
    # Measured by: python -m bench.ladder. Above a severity of 0.2 linear prediction has
    # too much to solve for live sound at 44.1 kHz and more (a hop can take longer than
    # it lasts), so nothing is promised there and auto takes A-SPADE. The last gain for
    # speech is fitted: at a severity of 0.6 both are alike over all recordings, but of
    # those clipped to 3 dB input SDR (0.65 on average) A-SPADE gains 0.66 dB more.
    rungs=(
        Rung((), 0.0626, (16.26, 15.51, 14.62, 12.02, 6.93), high_hz=24000),
        Rung((), 0.2040, (13.75, 13.40, 13.42, 0.0, 0.0), low_hz=24001),
    ),
)
