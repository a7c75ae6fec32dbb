"""ar: linear prediction fills the clipped samples, live, hop by hop.

Every hop, a predictor of order p is estimated from the recent past (already restored),
the block that leaves and the look-ahead, where clipped samples hold their last estimate
(a warm start: one pass a hop is enough). The clipped samples of block and look-ahead
are then those that minimise the residual energy. Those that miss their bound are set
to it, and the others are solved once more around them. What leaves is final, the rest
is estimated again at the next hop.

Source: Janssen, Veldhuis & Vries, IEEE Trans. ASSP 34(2), 1986,
doi:10.1109/TASSP.1986.1164824, equations 10 to 18; the running form, the lopsided
window and the second solve are this project's. No sample is reflected at the clip
level.

Latency: the look-ahead (16 ms). It wins on tonal sound (music, and voices that are
lightly clipped: twice the dB of ``cubic`` and more) and loses to ``aspade`` on heavily
clipped speech. Cost grows with order² times the clipped samples.
"""

import numpy as np
from numpy.typing import NDArray

from rtdeclip.processors.ar_window import RunningWindow
from rtdeclip.processors.autoregressive import estimate, scratch
from rtdeclip.processors.bypass import default_hop
from rtdeclip.stream.clip import Clip
from rtdeclip.stream.processor import Method, Rung, Setting
from rtdeclip.types import Samples

PAST_MS = 64.0


class AutoRegressive:
    """The ``Processor`` of one channel.

    Args:
        hop: samples per block.
        look_ahead: samples known beyond the block that leaves; the latency.
        order: p, coefficients of the predictor.
        past: restored samples kept, ≥ 2 · order.
        passes: estimates per hop.
    """

    def __init__(
        self, hop: int, look_ahead: int, order: int, past: int, passes: int
    ) -> None:
        self.hop = hop
        self.latency_samples = look_ahead
        self._window = RunningWindow(hop, look_ahead, past)
        self._order, self._passes = order, passes
        n = past + look_ahead + hop
        self._scratch = _taper(n), *scratch(n, look_ahead + hop, order)
        self._solve()

    def process(self, block: Samples, clip: Clip) -> Samples:
        """The block from ``latency_samples`` ago, restored; see ``Processor``."""
        if self._window.push(block, clip):
            self._solve()
        return self._window.leaving()

    def reset(self) -> None:
        """Forgets all audio."""
        self._window.reset()

    def _solve(self) -> None:
        one = self._window
        for _ in range(self._passes):
            estimate(one.x, one.sign, one.bound, one.begin, self._order, *self._scratch)


def _taper(n: int) -> NDArray[np.float64]:
    """A lopsided Hann window: slow into the past, over 10 % at the newest samples."""
    fall = max(n // 10, 1)
    rise = n - fall
    up = np.sin(0.5 * np.pi * (np.arange(rise) + 0.5) / rise) ** 2
    down = np.cos(0.5 * np.pi * (np.arange(fall) + 0.5) / fall) ** 2
    return np.concatenate([up, down])


def make(
    sample_rate: int,
    order: int = 128,
    look_ahead: float = 16.0,
    passes: int = 1,
    hop: int = 0,
) -> AutoRegressive:
    """A predictor for ``sample_rate``; settings as declared in ``METHOD``."""
    return AutoRegressive(
        hop or default_hop(sample_rate),
        round(look_ahead * 1e-3 * sample_rate),
        order,
        max(round(PAST_MS * 1e-3 * sample_rate), 4 * order),
        passes,
    )


METHOD = Method(
    name="ar",
    summary="Linear prediction over 16 ms; strong on tonal sound and light clipping.",
    make=make,
    settings=(
        Setting("order", 128, "coefficients of the predictor", "", 4, 1024),
        Setting("look_ahead", 16.0, "future it sees, and the latency", "ms", 0.0, 64.0),
        Setting("passes", 1, "estimates per hop; 2 or 3 for light clipping", "", 1, 8),
        Setting("hop", 0, "block length; 0 chooses by rate", "samples", 0, 16384),
    ),
    source="Janssen, Veldhuis & Vries 1986, doi:10.1109/TASSP.1986.1164824",
    # Measured by: python -m bench.ladder. Above 24 kHz blend is as good or better.
    rungs=(Rung((), 0.0480, (16.44, 16.05, 14.52, 11.33, 5.83), high_hz=24000),),
)
