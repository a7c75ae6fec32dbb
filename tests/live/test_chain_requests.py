import numpy as np
import pytest

from rtdeclip.live.chain_requests import Compiler
from rtdeclip.live.config import LiveConfig
from rtdeclip.live.engine import build_stream, warm_stream

from .test_control import BLOCK, Rig, tone


@pytest.fixture(autouse=True)
def no_child(monkeypatch):
    """The kernels are here already; the child is for engines that just started."""
    monkeypatch.setattr("rtdeclip.live.chain_requests.Compiler.prepare", lambda *_: 0)


@pytest.fixture
def rig(tmp_path):
    made = _rig(tmp_path)
    made.run(tone(0.4))
    return made


def _rig(tmp_path, **options):
    options = {"processor": "cubic", "settings": {}, "hop": BLOCK} | options
    stream, headroom = build_stream(LiveConfig(**options), 48000, 1)
    warm_stream(stream)
    made = Rig(tmp_path, stream, headroom)
    made.info["config"] |= {"headroom": "limit", "gain_db": -6.0} | options
    return made


def ask(rig, **content):
    """Sends a request and plays on until it is served."""
    number = rig.writer.request(**content)
    for _ in range(3000):
        rig.run(tone(0.05))
        if rig.reader.status().request_done == number:
            rig.run(tone(0.3))
            return
        if rig.controller._busy:
            rig.controller._busy.join(0.02)
    raise AssertionError("never served")


def peak(rig, level=0.5):
    return float(np.abs(rig.run(tone(0.3, level))[-4800:]).max())


def test_effects_come_and_go_while_sound_runs(rig):
    assert peak(rig) == pytest.approx(0.25, rel=0.01)
    ask(rig, post=[["gain", {"gain_db": -6.0}]])
    assert peak(rig) == pytest.approx(0.125, rel=0.01)
    assert rig.reader.info["config"]["post"] == [["gain", {"gain_db": -6.0}]]
    assert "effects after the repair: gain" in rig.events()
    ask(rig, pre=[["gain", {"gain_db": 6.0}]], post=[])
    assert peak(rig) == pytest.approx(0.5, rel=0.01)


def test_a_live_setting_of_an_effect_glides_and_is_kept(rig):
    ask(rig, post=[["gain", {"gain_db": -6.0}]])
    said = len(rig.events())
    ask(rig, post=[["gain", {"gain_db": -12.0}]])
    assert peak(rig) == pytest.approx(0.0625, rel=0.02)
    assert rig.reader.info["config"]["post"] == [["gain", {"gain_db": -12.0}]]
    assert len(rig.events()) == said


def test_an_effect_that_would_move_the_sound_is_refused_in_words(rig):
    ask(rig, post=[["limiter", {}]])
    assert any("keeps its latency" in text for text in rig.events())
    ask(rig, post=[["no-such", {}]])
    assert any("refused: There is no effect" in text for text in rig.events())
    assert peak(rig) == pytest.approx(0.25, rel=0.01)


def test_headroom_gain_and_mode_change_while_sound_runs(rig):
    ask(rig, gain_db=-12.0)
    assert peak(rig) == pytest.approx(0.125, rel=0.01)
    ask(rig, headroom="open")
    assert peak(rig, 0.95) == pytest.approx(0.95, rel=0.01)
    assert rig.reader.info["config"]["headroom"] == "open"
    ask(rig, headroom="limit", gain_db=0.0)
    assert peak(rig, 0.95) <= 10 ** (-1 / 20) + 1e-6
    assert "headroom: 0 dB, then the limiter" in rig.events()


def test_late_hops_have_the_gain_that_is_in_force(rig):
    ask(rig, gain_db=-12.0)
    y = rig.run(tone(0.2), stalled=True)
    assert rig.reader.status().late_hops > 0
    assert np.abs(y[-2400:]).max() == pytest.approx(0.125, rel=0.02)


def test_a_session_may_begin_open_at_the_same_latency(tmp_path):
    opened = build_stream(LiveConfig(processor="cubic", headroom="open"), 48000, 1)
    limited = build_stream(LiveConfig(processor="cubic"), 48000, 1)
    assert opened[0].latency_samples == limited[0].latency_samples
    x = tone(0.5, 0.999)
    y = opened[0].feed(x)
    late = opened[0].latency_samples
    assert np.array_equal(y[late:], x[: len(y) - late])


def test_without_a_headroom_stage_none_can_be_switched_on(tmp_path):
    rig = _rig(tmp_path, headroom="off")
    rig.run(tone(0.4))
    ask(rig, headroom="limit")
    assert any("--headroom limit" in text for text in rig.events())


@pytest.mark.parametrize(
    "wrong", [{"gain_db": 3.0}, {"headroom": "loud"}, {"bypass_gain_db": 60.0}]
)
def test_what_is_out_of_range_is_refused(rig, wrong):
    ask(rig, **wrong)
    assert any(text.startswith("refused:") for text in rig.events())
    assert peak(rig) == pytest.approx(0.25, rel=0.01)


def test_the_bypass_can_be_as_loud_as_the_restored_sound(rig):
    ask(rig, bypass_gain_db=-6.0)
    assert peak(rig) == pytest.approx(0.25, rel=0.01)
    rig.writer.set("bypass", 1.0)
    rig.run(tone(0.2))
    assert peak(rig) == pytest.approx(0.125, rel=0.01)
    ask(rig, bypass_gain_db=0.0)
    assert peak(rig) == pytest.approx(0.25, rel=0.01)


def test_one_request_may_ask_for_the_whole_chain(rig):
    ask(rig, processor="bypass", settings={}, post=[["gain", {"gain_db": -6.0}]])
    assert rig.reader.status().processor == 0
    assert peak(rig) == pytest.approx(0.125, rel=0.01)


def test_kernels_are_compiled_once_whatever_the_numbers(monkeypatch):
    monkeypatch.undo()
    ran = []
    monkeypatch.setattr("subprocess.run", lambda *a, **k: ran.append(a))
    compiler = Compiler()
    compiler.prepare("effect", "eq", 48000, 1, {})  # our own: warm from the start
    for number in (30.0, 40.0):
        compiler.prepare("effect", "plug-in", 48000, 1, {"colour": number})
    compiler.prepare("processor", "cubic", 48000, 1, {"fit": "hermite"})
    compiler.prepare("processor", "cubic", 48000, 1, {"fit": "other"})
    assert len(ran) == 3
