"""What the engine's tests share: a plain stream, a simulated device, a ramp."""

from types import SimpleNamespace

import numpy as np
import pytest

from rtdeclip.live.config import LiveConfig
from rtdeclip.live.engine import Engine, plan_layout
from rtdeclip.live.simulate import SimulatedClock, SimulatedDevice
from rtdeclip.stream.clip import Clip

RATE = 48000


class DelayLine:
    """A stream that delays by ``latency`` and negates, so that wet differs from dry."""

    def __init__(self, hop=64, latency=0, n_channels=1):
        self.hop, self.latency_samples, self.n_channels = hop, latency, n_channels
        self.clips = [Clip(hop) for _ in range(n_channels)]
        self.raises = False
        self.reset()

    def reset(self):
        self._past = np.zeros((self.latency_samples, self.n_channels), np.float32)

    def process(self, block):
        if self.raises:
            raise ValueError("broken on purpose")
        joined = np.concatenate([self._past, block])
        self._past = joined[self.hop :]
        return np.ascontiguousarray(-joined[: self.hop])


def device(stream, block, inputs=1, outputs=1, headroom=None, **options):
    """A simulated sound card around ``stream``."""
    clock = SimulatedClock()
    config = LiveConfig(block=block, channels=stream.n_channels, **options)
    layout = plan_layout(config, inputs, outputs)
    engine = Engine(config, layout, stream, RATE, headroom, clock_ns=clock)
    return SimulatedDevice(engine, clock)


def ramp(n, n_channels=1):
    """No two neighbours alike, none zero: ``(n, n_channels)`` float32 up to 1."""
    x = (np.arange(n * n_channels) % 65535 + 1) / np.float32(65536)
    return x.astype(np.float32).reshape(n, n_channels)


@pytest.fixture
def kit():
    return SimpleNamespace(DelayLine=DelayLine, device=device, ramp=ramp, rate=RATE)
