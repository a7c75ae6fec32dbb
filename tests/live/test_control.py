import numpy as np
import pytest

from rtdeclip.live import ring as r
from rtdeclip.live.config import LiveConfig
from rtdeclip.live.control import Controller
from rtdeclip.live.engine import Engine, build_stream, plan_layout, warm_stream
from rtdeclip.live.feedback import FeedbackGuard
from rtdeclip.live.simulate import SimulatedClock, SimulatedDevice
from rtdeclip.live.telemetry import ParameterWriter, TelemetryFile, TelemetryReader
from rtdeclip.processors.auto import ladder
from rtdeclip.stream.processor import Method, Rung
from rtdeclip.stream.stream import Stream

BLOCK = 256
PER_TICK = 8  # blocks: 43 ms


class Rig:
    """An engine with its controller, a host's reader and writer."""

    def __init__(self, tmp_path, stream, headroom=None, **options):
        self.file = TelemetryFile(
            tmp_path / "a.telemetry", 48000, 1, stream.hop, BLOCK, 1 << 15
        )
        config = LiveConfig(block=BLOCK, channels=1, **options)
        clock = SimulatedClock()
        self.engine = Engine(
            config,
            plan_layout(config, 1, 1),
            stream,
            48000,
            headroom,
            scope=self.file.scope,
            clock_ns=clock,
        )
        self.device = SimulatedDevice(self.engine, clock)
        memory = self.engine.memory
        memory.reals[r.FADE] = memory.reals[r.FADE_TARGET] = 0.0
        self.info = {"processors": ["bypass", "cubic"], "config": {}}
        self.controller = Controller(
            self.engine, self.file, config, self.info, guard=FeedbackGuard(1.0)
        )
        self.reader = TelemetryReader(self.file.path)
        self.writer = ParameterWriter(self.file.path)

    def run(self, x, stalled=False):
        """Plays ``x``, the controller ticking as it would; whether to go on."""
        out, on = [], True
        for i in range(len(x) // BLOCK):
            out.append(self.device.callback(x[i * BLOCK : (i + 1) * BLOCK]))
            if not stalled:
                self.device.work()
            if i % PER_TICK == 0:
                on = self.controller.tick() and on
        self.controller.tick()
        self.on = on
        return np.concatenate(out)[:, 0]

    def events(self):
        return [event.text for event in self.reader.events()]


def tone(seconds, level=0.5):
    n = np.arange(round(seconds * 48000))
    return (level * np.sin(n * 0.05)).astype(np.float32)[:, None]


@pytest.fixture
def rig(tmp_path):
    return Rig(tmp_path, Stream(48000, 1, "bypass", hop=BLOCK))


def test_sound_begins_muted_and_fades_in_over_a_fifth_of_a_second(rig):
    y = rig.run(tone(0.5))
    ramp = 0.5 * (np.arange(9600) + 1) / 9600
    assert np.all(np.abs(y[:9600]) <= ramp + 1e-6)
    assert np.abs(y[:9600]).max() > 0.4
    assert rig.reader.status().gain == 1.0
    assert rig.reader.status().state == 2


def test_mute_and_panic_silence_the_output_and_come_back(rig):
    rig.run(tone(0.5))
    for value, within in ((1.0, 0.08), (2.0, 0.05)):
        rig.writer.set("mute", value)
        y = rig.run(tone(0.2))
        assert np.all(y[round(within * 48000) :] == 0.0)
        assert rig.reader.status().muted == 1
        rig.writer.set("mute", 0.0)
        assert np.abs(rig.run(tone(0.5))[-1000:]).max() > 0.4


def test_stop_is_seen_and_reset_clears_the_counters(rig):
    rig.run(tone(0.5))
    rig.run(tone(0.2), stalled=True)
    assert rig.reader.status().late_hops > 0
    assert any(text.startswith("late:") for text in rig.events())
    rig.run(tone(0.1))
    assert any(text.startswith("skip:") for text in rig.events())
    rig.writer.bump("reset")
    rig.run(tone(0.1))
    assert rig.reader.status().late_hops == 0
    assert rig.on
    rig.writer.bump("stop")
    rig.run(tone(0.1))
    assert not rig.on


def test_exact_zeros_are_reported_once(rig):
    rig.run(np.zeros((48000 * 3, 1), np.float32))
    said = [text for text in rig.events() if text.startswith("silence")]
    assert len(said) == 1
    assert "muted" in said[0]
    assert rig.reader.status().zeros_s > 2.0


def test_feedback_is_ducked_by_20_db_until_it_is_undone(rig):
    n = np.arange(48000 * 3)
    growing = np.minimum(0.01 * 10 ** (n / 48000 * 15 / 20), 0.99)
    howl = (growing * np.sin(n * 0.2)).astype(np.float32)[:, None]
    y = rig.run(howl)
    assert rig.reader.status().ducked == 1
    assert any("20 dB down" in text for text in rig.events())
    assert np.abs(y[-4800:]).max() < 0.11
    rig.writer.bump("duck_off")
    rig.run(tone(0.4))
    assert rig.reader.status().ducked == 0
    assert rig.reader.status().gain == 1.0


def test_meters_and_clip_levels_reach_the_host(tmp_path):
    config = LiveConfig(processor="cubic", headroom="off")
    stream, _ = build_stream(config, 48000, 1)
    warm_stream(stream)
    rig = Rig(tmp_path, stream)
    rig.run(np.clip(tone(1.5, 0.9), -0.6, 0.5))
    status = rig.reader.status()
    assert status.peak_in[0] == pytest.approx(0.6)
    assert status.peak_out[0] > 0.65
    assert status.clip_high[0] == pytest.approx(0.5)
    assert status.clip_low[0] == pytest.approx(0.6)
    assert 0.3 < status.clipped_share[0] < 0.8
    assert status.processor == 1
    assert status.rtf_p50 == 0.01  # the simulated clock stands still
    scope = rig.reader.scope(1000)
    assert np.abs(scope.dry).max() == pytest.approx(0.6)
    assert np.array_equal(scope.wet[scope.sign == 0], scope.dry[scope.sign == 0])
    assert np.all(np.abs(scope.dry[scope.sign == 1]) == np.float32(0.5))


def test_bypass_wet_and_repair_only_reach_the_stream(tmp_path):
    stream = Stream(48000, 1, "cubic", hop=BLOCK)
    rig = Rig(tmp_path, stream)
    x = np.clip(tone(1.0, 0.9), -0.5, 0.5)
    assert np.abs(rig.run(x)[-4800:]).max() > 0.55
    rig.writer.set("bypass", 1.0)
    assert np.abs(rig.run(x)[-4800:]).max() == 0.5
    rig.writer.set("bypass", 0.0)
    rig.writer.set("repair_only", 1.0)
    y = rig.run(x)[-4800:]
    assert np.mean(y == 0.0) > 0.3
    assert np.abs(y).max() > 0.05
    assert "switch: repair only, wet 1" in rig.events()


def test_a_request_for_a_processor_is_served_or_refused_in_words(tmp_path):
    rig = Rig(tmp_path, Stream(48000, 1, "cubic", hop=BLOCK))
    rig.run(tone(0.1))
    number = rig.writer.request(processor="bypass", settings={})

    def served(number):
        for _ in range(3000):
            rig.run(tone(0.02))
            if rig.reader.status().request_done == number:
                return True
            if rig.controller._busy:
                rig.controller._busy.join(0.02)
        return False

    assert served(number)
    rig.run(tone(0.2))
    assert rig.reader.status().processor == 0
    assert rig.reader.info["config"]["processor"] == "bypass"
    assert served(rig.writer.request(processor="no-such", settings={}))
    assert any("refused: There is no processor" in text for text in rig.events())
    assert served(rig.writer.request(colour="red"))
    assert any('refused: {"colour": "red"}' in text for text in rig.events())


class Broken:
    """A processor that fails in one of two ways."""

    hop, latency_samples = BLOCK, 0

    def __init__(self, how):
        self.how = how

    def process(self, block, clip):
        if self.how == "raises" and clip.count:
            raise RuntimeError("on purpose")
        return np.full_like(block, np.nan if clip.count else 0.0)

    def reset(self):
        pass


@pytest.mark.parametrize("how", ["raises", "returns NaN"])
def test_a_broken_processor_is_dry_counted_and_told(tmp_path, how):
    method = Method("broken", "fails", lambda rate: Broken(how))
    rig = Rig(tmp_path, Stream(48000, 1, method))
    x = np.clip(tone(1.0, 0.9), -0.5, 0.5)
    y = rig.run(x)
    latency = rig.engine.budget.engine_samples
    end = len(y) - latency
    np.testing.assert_array_equal(y[-10000:], x[end - 10000 : end, 0])
    assert rig.reader.status().faults > 0
    assert any(text.startswith("fault: ") for text in rig.events())


def test_late_hops_make_auto_take_a_cheaper_rung_and_say_so(tmp_path):
    def rung(value, cost, gain):
        class Constant:
            hop, latency_samples = BLOCK, 0

            def process(self, block, clip):
                return np.full(BLOCK, value, np.float32)

            def reset(self):
                pass

        rungs = (Rung((), cost, (gain,) * 5),)
        return Method(f"rung-{value}", "test", lambda rate: Constant(), rungs=rungs)

    methods = [rung(0.6, 0.01, 1.0), rung(0.7, 0.02, 2.0), rung(0.9, 0.3, 9.0)]
    auto = ladder(methods, 48000, 50, BLOCK)
    rig = Rig(tmp_path, Stream(48000, 1, Method("auto", "test", lambda rate: auto)))
    rig.run(np.clip(tone(0.5, 0.8), -0.5, 0.5))
    assert auto.active == "rung-0.9"
    rig.run(tone(0.1), stalled=True)
    rig.run(np.clip(tone(0.5, 0.8), -0.5, 0.5))
    assert auto.active != "rung-0.9"
    assert any("a cheaper method is used" in text for text in rig.events())
