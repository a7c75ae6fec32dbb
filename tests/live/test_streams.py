from types import SimpleNamespace

import numpy as np
import pytest

from rtdeclip.live import ring as r
from rtdeclip.live import streams
from rtdeclip.live.devices import Device
from rtdeclip.live.endpoints import Endpoints
from rtdeclip.live.streams import Streams

BLOCK = 64


def flags(**raised):
    names = ("input_underflow", "input_overflow", "output_underflow", "output_overflow")
    return SimpleNamespace(**{name: raised.get(name, False) for name in names})


def endpoints(one_clock=True):
    mic = Device("mic", "test", 3, 1, 0, 48000)
    phones = Device("phones", "test", 5, 0, 1, 48000)
    return Endpoints(mic, phones, 48000, BLOCK, "low", one_clock, 48000, 0)


@pytest.fixture
def opened(monkeypatch):
    """What was opened, in the place of PortAudio's streams."""
    made = []

    class Stream:
        latency_s = (0.0, 0.0)

        def __init__(self, kind, device, channels, rate, block, callback, *rest):
            self.kind, self.callback = kind, callback
            made.append(self)

    monkeypatch.setattr(streams, "PythonStream", Stream)
    monkeypatch.setattr(streams, "NativeStream", Stream)
    return made


def test_python_takes_over_where_no_callback_compiles_and_it_is_said(
    kit, monkeypatch, opened
):
    def fail():
        raise RuntimeError("no machine code here")

    monkeypatch.setattr(streams, "compile_callback", fail)
    sim = kit.device(kit.DelayLine(BLOCK), BLOCK, extra_periods=0)
    said = []
    made = Streams(sim.engine, endpoints(), lambda: None, False, said.append)
    assert not made.compiled
    assert len(said) == 1
    assert "no machine code here" in said[0]
    assert "Python's is used" in said[0]
    x = kit.ramp(BLOCK * 40)
    y = np.zeros_like(x)
    for at in range(0, len(x), BLOCK):
        part = slice(at, at + BLOCK)
        none = flags(output_underflow=at == 0)
        opened[0].callback(x[part], y[part], BLOCK, None, none)
        sim.work()
    latency = sim.engine.budget.engine_samples
    np.testing.assert_array_equal(y[latency:], -x[:-latency])
    words = sim.engine.memory.words
    assert words[r.OUTPUT_UNDERFLOWS] == 1
    assert words[r.INPUT_OVERFLOWS] == words[r.LATE_SAMPLES] == 0


def test_python_carries_two_clocks_too(kit, opened):
    sim = kit.device(kit.DelayLine(BLOCK), BLOCK, extra_periods=0)
    said = []
    Streams(sim.engine, endpoints(False), lambda: None, True, said.append)
    assert said == []  # it was asked for
    assert [one.kind for one in opened] == ["input", "output"]
    take, give = (one.callback for one in opened)
    x = kit.ramp(BLOCK)
    take(x, BLOCK, None, flags(input_overflow=True))
    sim.work()
    give(np.zeros_like(x), BLOCK, None, flags(output_underflow=True))
    words = sim.engine.memory.words
    assert words[r.CAPTURED] == words[r.PUBLISHED] == BLOCK
    assert (words[r.INPUT_OVERFLOWS], words[r.OUTPUT_UNDERFLOWS]) == (1, 1)


def test_a_compiled_callback_is_the_rule(kit, opened):
    sim = kit.device(kit.DelayLine(BLOCK), BLOCK)
    said = []
    made = Streams(sim.engine, endpoints(), lambda: None, False, said.append)
    assert made.compiled
    assert said == []
    assert opened[0].callback.address
