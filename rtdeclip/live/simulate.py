"""The engine by a simulated clock: same kernels, same worker, no device, no waiting.

A test says when callbacks come and when the worker gets to run; the rest is exact.
"""

import numpy as np

from rtdeclip.live import ring as r
from rtdeclip.live.callback import exchange
from rtdeclip.live.engine import Engine
from rtdeclip.types import Samples


class SimulatedClock:
    """A clock that stands still until it is told; ``ns`` since the start."""

    def __init__(self) -> None:
        self.ns = 0

    def __call__(self) -> int:
        """The time in ns, as ``time.monotonic_ns``."""
        return self.ns


class SimulatedDevice:
    """Calls the engine back as a sound card would.

    Args:
        engine: made with ``clock_ns=clock``.
        clock: moved on by every callback.
    """

    def __init__(self, engine: Engine, clock: SimulatedClock) -> None:
        self.engine = engine
        self._clock = clock
        self._width = len(engine.layout.out_map)
        memory = engine.memory
        memory.reals[r.FADE] = memory.reals[r.FADE_TARGET] = 1.0

    def callback(self, incoming: Samples, flags: int = 0) -> Samples:
        """One callback; the clock moves on by its length first.

        Args:
            incoming: ``(n, in_channels)`` float32.
            flags: PortAudio's.

        Returns:
            ``(n, out_channels)`` float32, new.
        """
        n = len(incoming)
        rate = int(self.engine.memory.words[r.SAMPLE_RATE])
        self._clock.ns += round(1e9 * n / rate)
        out = np.empty(n * self._width, np.float32)
        flat = np.ascontiguousarray(incoming, np.float32).ravel()
        exchange(self.engine.memory.block, flat, out, n, self._clock.ns, flags)
        return out.reshape(n, self._width)

    def work(self) -> int:
        """The worker runs until it has nothing to do; how many hops it made."""
        n = 0
        while self.engine.worker.step():
            n += 1
        return n

    def run(self, signal: Samples, block: int, stalled: range | None = None) -> Samples:
        """Plays ``signal`` through the engine, block by block.

        Args:
            signal: ``(n_samples, in_channels)``.
            block: samples per callback; what does not fill one at the end is left.
            stalled: callbacks after which the worker does not get to run.

        Returns:
            ``(m, out_channels)`` float32.
        """
        out = []
        for i in range(len(signal) // block):
            out.append(self.callback(signal[i * block : (i + 1) * block]))
            if stalled is None or i not in stalled:
                self.work()
        return np.concatenate(out)
