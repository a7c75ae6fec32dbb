import numpy as np
import pytest

from rtdeclip.live import ring as r
from rtdeclip.live.choices import Choice
from rtdeclip.processors.auto import ladder
from rtdeclip.stream.processor import Method, Rung
from rtdeclip.stream.stream import Stream

HOP = 256


class Plain:
    """Restores nothing."""

    hop, latency_samples = HOP, 0

    def process(self, block, clip):
        return block

    def reset(self):
        pass


def rung(name, cost, gains):
    return Method(name, "test", lambda rate: Plain(), rungs=(Rung((), cost, gains),))


@pytest.fixture
def auto():
    """``gentle`` is the better one for light clipping, ``strong`` for heavy."""
    methods = [
        rung("gentle", 0.01, (9.0, 9.0, 9.0, 1.0, 1.0)),
        rung("strong", 0.02, (1.0, 1.0, 1.0, 9.0, 9.0)),
    ]
    return ladder(methods, 48000, 50, HOP)


def sound(seconds, peak):
    n = np.arange(round(seconds * 48000))
    x = np.clip(peak * np.sin(0.03 * n), -0.5, 0.5)
    return x.astype(np.float32)[:, None]


def test_every_choice_is_noted_with_the_sample_it_began_at(kit, auto):
    stream = Stream(48000, 1, Method("auto", "test", lambda rate: auto), hop=HOP)
    sim = kit.device(stream, HOP)
    sim.run(np.concatenate([sound(2.0, 0.502), sound(3.0, 3.0)]), HOP)
    first, *later = sim.engine.choices.take()
    assert first == Choice(0, 0, "gentle")
    assert [(c.position, c.name) for c in later] == list(auto.switches)
    assert [c.name for c in later] == ["strong"]
    assert 2 * 48000 < later[0].position < 4 * 48000
    assert sim.engine.choices.take() == []


def test_positions_are_the_sounds_even_after_hops_that_were_left_out(kit, auto):
    stream = Stream(48000, 1, Method("auto", "test", lambda rate: auto), hop=HOP)
    sim = kit.device(stream, HOP)
    stalled = range(50, 150)
    sim.run(np.concatenate([sound(2.0, 0.502), sound(3.0, 3.0)]), HOP, stalled)
    _, choice = sim.engine.choices.take()
    ((seen, _),) = auto.switches
    # The method has not seen what the worker left out; the sound had it.
    assert choice.position - seen == sim.engine.memory.words[r.SKIPPED]
    assert choice.position > 2 * 48000


def test_a_processor_switched_to_begins_with_the_hop_at_hand(kit, auto):
    stream = Stream(48000, 1, "cubic", hop=HOP, latency_samples=2048)
    sim = kit.device(stream, HOP)
    x = sound(0.5, 3.0)
    sim.run(x, HOP)
    assert sim.engine.choices.take() == []
    bank = stream.prepare(Method("auto", "test", lambda rate: auto))
    sim.engine.do(lambda: stream.switch(bank))
    at = sim.engine.worker.hop_number * HOP
    sim.run(x, HOP)
    assert sim.engine.choices.take()[0] == Choice(at, 0, "gentle")
