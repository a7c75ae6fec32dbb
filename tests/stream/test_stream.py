"""The promises of the host, for streams of every make."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rtdeclip.errors import InputError, PluginError, SettingError
from rtdeclip.stream.clip import Plateau
from rtdeclip.stream.levels import LevelSchedule, Segment
from rtdeclip.stream.processor import Method
from rtdeclip.stream.stream import Stream
from rtdeclip.testing import dummy

RATE = 16000
LEVEL = 0.5


def locked(n_channels=1, level=LEVEL):
    plateau = Plateau.digital(level)
    return [LevelSchedule((Segment(0, 1 << 62, plateau, plateau),))] * n_channels


def noise(n, n_channels=1, seed=0):
    white = np.random.default_rng(seed).standard_normal((n, n_channels))
    return (0.6 * white).astype(np.float32)


def clipped_noise(n, n_channels=1, seed=0):
    return np.clip(noise(n, n_channels, seed), -LEVEL, LEVEL)


def run(stream, x, size=None):
    size = size or max(1, len(x))
    parts = [stream.feed(x[at : at + size]) for at in range(0, len(x), size)]
    return np.concatenate([*parts, stream.flush()])


class Scaled:
    """A processor that answers ``factor`` times its input, ``latency`` later."""

    def __init__(self, hop, latency, factor):
        self.hop, self.latency_samples, self.factor = hop, latency, factor
        self._line = np.zeros(hop + latency, np.float32)

    def process(self, block, clip):
        self._line[self.latency_samples :] = block
        out = self._line[: self.hop] * np.float32(self.factor)
        self._line[: self.latency_samples] = self._line[self.hop :].copy()
        return out

    def reset(self):
        self._line.fill(0)


def scaled(hop=64, latency=32, factor=2.0, scope="clipped"):
    return Method(
        f"scaled-{factor}",
        "test",
        lambda rate: Scaled(hop, latency, factor),
        scope=scope,
    )


@settings(max_examples=60, deadline=None)
@given(
    hop=st.integers(1, 200),
    latency=st.integers(0, 300),
    n=st.integers(0, 900),
    size=st.integers(1, 400),
    n_channels=st.integers(1, 3),
)
def test_any_split_gives_the_same_bits_and_the_length_is_kept(
    hop, latency, n, size, n_channels
):
    x = clipped_noise(n, n_channels)
    stream = Stream(RATE, n_channels, scaled(hop, latency), levels=locked(n_channels))
    whole = run(stream, x)
    assert np.array_equal(whole, run(stream, x, size))
    assert whole.shape == (n + stream.latency_samples, n_channels)


@settings(max_examples=40, deadline=None)
@given(
    hop=st.integers(1, 128),
    latency=st.integers(0, 200),
    host_hop=st.integers(1, 300),
    factor=st.sampled_from([0.0, -3.0, 1.0, 1.7]),
)
def test_reliable_samples_leave_exact_and_clipped_ones_beyond_the_level(
    hop, latency, host_hop, factor
):
    x = clipped_noise(1500)
    stream = Stream(
        RATE, 1, scaled(hop, latency, factor), levels=locked(), hop=host_hop
    )
    y = run(stream, x)[stream.latency_samples :]
    hit = np.abs(x) >= LEVEL * (1 - 1e-6)
    assert np.array_equal(y[~hit], x[~hit])
    assert (y[hit] * np.sign(x[hit]) >= LEVEL * (1 - 1e-6)).all()
    assert hit.any()
    assert stream.faults.count == 0


@settings(max_examples=25, deadline=None)
@given(hop=st.integers(1, 128), latency=st.integers(0, 200), host=st.integers(1, 300))
def test_an_impulse_shows_the_declared_latency(hop, latency, host):
    x = np.zeros((700, 1), np.float32)
    x[100] = 0.9
    stream = Stream(RATE, 1, dummy("identity", hop, latency), hop=host)
    y = run(stream, x)
    assert np.flatnonzero(y[:, 0]).tolist() == [100 + stream.latency_samples]


def test_unclipped_input_passes_untouched_whatever_the_processor_says():
    x = np.clip(noise(4000), -0.45, 0.45)
    stream = Stream(RATE, 1, scaled(factor=7.0), levels=locked())
    assert np.array_equal(run(stream, x)[stream.latency_samples :], x)


def test_a_projection_never_lowers_the_sdr():
    truth = noise(8000, seed=3)
    y = np.clip(truth, -LEVEL, LEVEL)
    for factor in (-1.0, 0.2, 1.1, 1.5):
        raw = Stream(RATE, 1, scaled(factor=factor), levels=locked(), consistency=False)
        held = Stream(RATE, 1, scaled(factor=factor), levels=locked())
        late = raw.latency_samples
        errors = [
            float(np.sum((run(s, y)[late:].astype(np.float64) - truth) ** 2))
            for s in (raw, held)
        ]
        assert errors[1] <= errors[0] * (1 + 1e-6)


def test_consistency_off_hands_out_the_raw_output():
    x = clipped_noise(640)
    stream = Stream(RATE, 1, scaled(latency=0), levels=locked(), consistency=False)
    assert np.array_equal(run(stream, x), 2 * x)


def test_scope_all_changes_every_sample():
    x = clipped_noise(640)
    stream = Stream(RATE, 1, scaled(latency=0, scope="all"), levels=locked())
    assert np.array_equal(run(stream, x), 2 * x)


def test_channels_do_not_leak_into_one_another():
    x = clipped_noise(1000, 3)
    together = run(Stream(RATE, 3, scaled(), levels=locked(3)), x)
    for c in range(3):
        alone = run(Stream(RATE, 1, scaled(), levels=locked()), x[:, c : c + 1])
        assert np.array_equal(together[:, c : c + 1], alone)


def test_twenty_four_channels_and_mono_vectors_are_ordinary():
    x = clipped_noise(333, 24)
    assert run(Stream(RATE, 24, scaled()), x).shape == (333 + 32, 24)
    stream = Stream(RATE, 1, scaled())
    assert stream.feed(x[:, 0]).ndim == 1


@pytest.mark.parametrize("kind", ["raising", "not-finite", "too-loud"])
def test_a_failing_processor_is_played_dry_and_counted(kind):
    x = clipped_noise(2000)
    stream = Stream(RATE, 1, dummy(kind, 64, 100), levels=locked())
    y = run(stream, x)[100:]
    assert np.array_equal(y, x)
    assert stream.faults.count > 0
    assert kind in next(iter(stream.faults.reasons))


def test_a_processor_recovers_after_one_fault():
    class Once(Scaled):
        failed = False

        def process(self, block, clip):
            if not Once.failed and clip.count:
                Once.failed = True
                raise RuntimeError("once")
            return super().process(block, clip)

    x = clipped_noise(4000)
    method = Method("once", "test", lambda rate: Once(64, 100, 2.0))
    stream = Stream(RATE, 1, method, levels=locked())
    y = run(stream, x)[100:]
    assert stream.faults.count == 1
    hit = np.abs(x) >= LEVEL
    assert np.array_equal(y[-1000:][hit[-1000:]], 2 * x[-1000:][hit[-1000:]])


def test_a_failing_joint_processor_spares_nobody_and_harms_nobody():
    class Broken(Scaled):
        def process(self, block, clip):
            raise ValueError("no")

    method = Method(
        "joint-broken",
        "test",
        lambda rate, n_channels: Broken(64, 0, 1.0),
        channels="joint",
    )
    x = clipped_noise(640, 2)
    stream = Stream(RATE, 2, method, levels=locked(2))
    assert np.array_equal(run(stream, x), x)
    assert stream.faults.count == 10


def test_samples_that_are_not_finite_become_silence_and_are_counted():
    x = np.clip(noise(1000), -0.4, 0.4)
    x[5], x[77], x[500] = np.nan, np.inf, -np.inf
    stream = Stream(RATE, 1, scaled(latency=0), levels=locked())
    y = run(stream, x)
    bad = ~np.isfinite(x)
    assert np.array_equal(y[~bad], x[~bad])
    assert not y[bad].any()
    assert stream.nonfinite_samples == 3


def test_a_level_that_changes_inside_a_block_is_honoured_per_sample():
    first, second = Plateau.digital(0.5), Plateau.digital(0.25)
    schedule = LevelSchedule(
        (Segment(0, 500, first, first), Segment(500, 1000, second, second))
    )
    x = noise(1000)
    x[:500] = np.clip(x[:500], -0.5, 0.5)
    x[500:] = np.clip(x[500:], -0.25, 0.25)
    stream = Stream(RATE, 1, scaled(hop=64, latency=0), levels=[schedule])
    y = run(stream, x)
    hit = np.abs(x) >= np.where(np.arange(1000) < 500, 0.5, 0.25)[:, None]
    assert np.array_equal(y[hit], 2 * x[hit])
    assert np.array_equal(y[~hit], x[~hit])


def test_bypass_plays_the_input_at_the_same_delay_and_glides():
    x = clipped_noise(6400)
    stream = Stream(RATE, 1, scaled(factor=1.5), levels=locked())
    out = [stream.feed(x[:3200])]
    stream.set_bypass(True)
    out += [stream.feed(x[3200:]), stream.flush()]
    y = np.concatenate(out)[32:]
    assert np.array_equal(y[4000:], x[4000:])
    gain = y[:4000] / x[:4000]
    assert np.abs(np.diff(np.maximum.accumulate(-gain[3000:, 0]))).max() < 0.1


def test_repair_only_is_what_was_added():
    x = clipped_noise(1280)
    stream = Stream(RATE, 1, scaled(), levels=locked(), output="repair")
    full = Stream(RATE, 1, scaled(), levels=locked())
    assert np.allclose(run(stream, x)[32:], run(full, x)[32:] - x, atol=1e-7)


def test_wet_half_is_half_the_repair():
    x = clipped_noise(1280)
    half = run(Stream(RATE, 1, scaled(), levels=locked(), wet=0.5), x)
    full = run(Stream(RATE, 1, scaled(), levels=locked()), x)
    dry = run(Stream(RATE, 1, scaled(), levels=locked(), wet=0.0), x)
    assert np.allclose(half, (full + dry) / 2, atol=1e-6)
    assert np.array_equal(dry[32:], x)


def test_switching_is_free_of_clicks_and_ends_at_the_new_processor():
    x = np.full((9600, 1), 0.5, np.float32)
    stream = Stream(RATE, 1, scaled(factor=1.2), levels=locked())
    before = stream.feed(x[:3200])
    stream.switch(stream.prepare(scaled(factor=2.0)))
    y = np.concatenate([before, stream.feed(x[3200:])])[64:, 0]
    assert y[3000] == np.float32(0.6)
    assert y[-1] == np.float32(1.0)
    assert np.abs(np.diff(y)).max() <= 0.4 / (0.014 * RATE)
    assert stream.processor == "scaled-2.0"


def test_switching_reserves_latency_and_refuses_more():
    stream = Stream(RATE, 1, scaled(latency=10), latency_samples=100)
    assert stream.latency_samples == 100
    stream.switch(stream.prepare(scaled(latency=100)))
    with pytest.raises(SettingError, match="max-latency"):
        stream.prepare(scaled(latency=101))


def test_effects_before_and_after_add_their_latency():
    class Late:
        hop, latency_samples = 0, 5

        def __init__(self):
            self._line = np.zeros((5, 1), np.float32)

        def process(self, block):
            joined = np.concatenate([self._line, block])
            self._line = joined[-5:].copy()
            return joined[:-5]

        def reset(self):
            self._line = np.zeros((5, 1), np.float32)

    x = np.clip(noise(500), -0.4, 0.4)
    stream = Stream(
        RATE, 1, scaled(latency=7), levels=locked(), pre=[Late()], post=[Late()]
    )
    assert stream.latency_samples == 17
    assert np.array_equal(run(stream, x)[17:], x)


@pytest.mark.parametrize(
    ("arguments", "error", "words"),
    [
        ({"sample_rate": 4000}, SettingError, "8000 to 192000"),
        ({"n_channels": 0}, SettingError, "at least 1"),
        ({"wet": 2.0}, SettingError, "0 \\(dry\\) to 1"),
        ({"processor": "cubik"}, PluginError, "Did you mean 'cubic'"),
        ({"levels": locked(2)}, SettingError, "one schedule per channel"),
        ({"settings": {"nope": 1}}, SettingError, "has no setting 'nope'"),
        ({"processor": "gain"}, PluginError, "no processor called 'gain'"),
    ],
)
def test_bad_arguments_say_what_is_needed(arguments, error, words):
    given = {"sample_rate": RATE, "processor": "bypass"} | arguments
    with pytest.raises(error, match=words):
        Stream(**given)


def test_another_number_of_channels_is_refused():
    with pytest.raises(InputError, match="n_channels"):
        Stream(RATE, 1, "bypass").feed(np.zeros((10, 2), np.float32))


def test_whole_signal_methods_are_refused_live():
    method = Method("later", "test", lambda rate: None, kind="restorer")
    with pytest.raises(PluginError, match="rtdeclip file"):
        Stream(RATE, 1, method)


def test_a_processor_of_another_rate_is_refused():
    method = Method("only-48k", "test", lambda rate: None, rates=(48000,))
    with pytest.raises(SettingError, match="48000 Hz"):
        Stream(RATE, 1, method)


def test_the_floating_point_state_of_the_caller_is_left_alone():
    tiny = np.full(4, 1e-39, np.float32)
    Stream(RATE, 1, "bypass").feed(np.zeros((640, 1), np.float32))
    assert (tiny * np.float32(0.5) > 0).all()
