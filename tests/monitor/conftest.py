import os
import time
from dataclasses import dataclass, field

import numpy as np
import pytest

# Before Qt is imported anywhere: tests need no screen.
os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")
os.environ.setdefault("PYQTGRAPH_QT_LIB", "PySide6")

from rtdeclip.live.telemetry import Event, Scope, Status, TelemetryFile

RATE = 48000
LEVEL = 0.5


def clipped_tone(start, n, channels=2):
    """A tone clipped at ``LEVEL``, its restoration at half gain, and its mask."""
    t = np.arange(start, start + n) / RATE
    clean = 0.8 * np.sin(2 * np.pi * 220 * t)
    dry = np.clip(clean, -LEVEL, LEVEL)
    sign = np.where(clean >= LEVEL, 1, np.where(clean <= -LEVEL, -1, 0))

    def columns(x, kind):
        return np.repeat(x[:, None], channels, axis=1).astype(kind)

    return (
        columns(dry, np.float32),
        columns(0.5 * clean, np.float32),
        columns(sign, np.int8),
    )


@dataclass
class FakeReader:
    """A running engine without a process: sound appears when the test says so."""

    n_channels: int = 2
    sample_rate: int = RATE
    hop: int = 256
    scope_samples: int = 1 << 17
    wet_end: int = 0
    fields: dict = field(default_factory=dict)
    info: dict = field(
        default_factory=lambda: {
            "processors": ["bypass", "cubic"],
            "latency_rows": [["hop", 256], ["rings", 0], ["limiter", 72]],
            "config": {"headroom": "limit", "gain_db": 20 * np.log10(0.5)},
        }
    )
    said: list = field(default_factory=list)

    def advance(self, n):
        self.wet_end += n

    def status(self):
        levels = (LEVEL,) * self.n_channels + (0.0,) * (8 - self.n_channels)
        first = {"state": 2, "clip_high": levels, "clip_low": levels, "processor": 1}
        return Status(**(first | self.fields))

    def stretch(self, start, end):
        return Scope(start, *clipped_tone(start, end - start, self.n_channels))

    def parameters(self):
        return {"bypass": 0.0, "wet": 1.0, "mute": 0.0, "repair_only": 0.0}

    def events(self, since=0):
        return [
            Event(i, 0, 0.0, text) for i, text in enumerate(self.said) if i >= since
        ]


@pytest.fixture
def reader():
    return FakeReader()


class Engine:
    """A telemetry file as an audio process keeps it; the test plays the engine."""

    def __init__(self, path):
        self.path = path
        self.file = TelemetryFile(path, RATE, 2, 256, 256)
        self.file.set_info(FakeReader().info)
        self.file.fields["state"] = 2
        self.file.fields["clip_high"][0, :2] = LEVEL
        self.file.fields["clip_low"][0, :2] = LEVEL
        self.file.fields["processor"] = 1
        self.end = 0
        self.advance(0)

    def serve(self):
        """The last request is done; what a chain asked for is in the info."""
        number, content = self.file.request()
        info = dict(FakeReader().info)
        known = ("pre", "post", "headroom", "gain_db")
        info["config"] |= {k: v for k, v in (content or {}).items() if k in known}
        self.file.set_info(info)
        self.advance(0, request_done=number)
        return content

    def advance(self, n, **status):
        dry, wet, sign, ends = self.file.scope
        rows = np.arange(self.end, self.end + n) % len(dry)
        dry[rows], wet[rows], sign[rows] = clipped_tone(self.end, n)
        self.end += n
        ends[:] = self.end
        self.file.fields["time_ns"] = time.monotonic_ns()
        for name, value in status.items():
            self.file.fields[name] = value
        self.file.publish()


@pytest.fixture
def engine(tmp_path):
    made = Engine(tmp_path / "engine.telemetry")
    yield made
    made.file.close()
