import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from rtdeclip.errors import DeviceError
from rtdeclip.live import ring as r
from rtdeclip.live.callback import compile_callback
from rtdeclip.live.config import LiveConfig
from rtdeclip.live.engine import build_stream, plan_layout, warm_stream
from rtdeclip.live.latency import prefill_samples
from rtdeclip.stream.headroom import from_db


def word(sim, name):
    return int(sim.engine.memory.words[getattr(r, name)])


def test_the_sound_leaves_late_by_exactly_the_stated_latency(kit):
    sim = kit.device(kit.DelayLine(64, 100), 64, extra_periods=1)
    latency = sim.engine.budget.engine_samples
    assert latency == 100 + 64 + 64
    x = kit.ramp(6400)
    y = sim.run(x, 64)
    np.testing.assert_array_equal(y[:latency], 0)
    np.testing.assert_array_equal(y[latency:], -x[:-latency])
    assert word(sim, "LATE_SAMPLES") == 0


@settings(
    deadline=None,
    max_examples=40,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(
    hop=st.integers(1, 300),
    block=st.integers(1, 300),
    latency=st.integers(0, 300),
)
def test_the_prefill_is_enough_and_one_sample_less_is_not(kit, hop, block, latency):
    sim = kit.device(kit.DelayLine(hop, latency), block, extra_periods=0)
    n = 3 * (latency + hop + block) + 2 * hop * block // np.gcd(hop, block)
    x = kit.ramp(min(n, 60000))
    sim.run(x, block)
    assert word(sim, "LATE_SAMPLES") == 0
    short = kit.device(kit.DelayLine(hop, latency), block, extra_periods=0)
    assert short.engine.budget.engine_samples == latency + prefill_samples(
        hop, block, 0
    )
    short.engine.memory.words[r.LATENCY] -= 1
    short.engine.memory.words[r.STARTED] = 1
    short.run(x, block)
    if n <= 60000:
        assert word(short, "LATE_SAMPLES") > 0


def test_a_block_length_that_changes_from_call_to_call_changes_no_sample(kit):
    sim = kit.device(kit.DelayLine(64, 10), 256)
    latency = sim.engine.budget.engine_samples
    x = kit.ramp(40000)
    rng = np.random.default_rng(0)
    out, at = [], 0
    while at < len(x):
        n = int(rng.integers(1, 257))
        out.append(sim.callback(x[at : at + n]))
        sim.work()
        at += n
    y = np.concatenate(out)
    np.testing.assert_array_equal(y[latency:], -x[: len(y) - latency])


@pytest.mark.parametrize("stall_ms", [50, 200, 1000])
def test_a_stalled_worker_is_dry_at_its_own_time_and_latency_stays(kit, stall_ms):
    block = 128
    sim = kit.device(kit.DelayLine(64, 192), block, extra_periods=0)
    latency = sim.engine.budget.engine_samples
    n_stalled = round(stall_ms * 1e-3 * kit.rate / block)
    x = kit.ramp(3 * kit.rate)
    y = sim.run(x, block, stalled=range(100, 100 + n_stalled))
    wet = y[latency:, 0] == -x[: len(y) - latency, 0]
    dry = y[latency:, 0] == x[: len(y) - latency, 0]
    assert np.all(wet | dry)
    late = np.flatnonzero(dry)
    assert len(late) == word(sim, "LATE_SAMPLES")
    # One stretch of dry, a little shorter than the stall, then wet again for good.
    assert np.all(np.diff(late) == 1)
    assert 0 <= n_stalled * block - len(late) <= latency + 2 * block
    assert word(sim, "EPISODES") == 1
    assert word(sim, "OWN_UNDERRUNS") > 0
    skipped = word(sim, "SKIPPED")
    assert (skipped > 0) == (n_stalled * block > latency + 64)
    assert word(sim, "PUBLISHED") > len(y) - latency


def test_late_hops_are_counted_one_by_one(kit):
    sim = kit.device(kit.DelayLine(64, 0), 64, extra_periods=0)
    x = kit.ramp(64 * 60)
    sim.run(x, 64, stalled=range(20, 25))
    # Five stalled turns: five hops unheard.
    assert word(sim, "LATE_HOPS") == 5
    assert word(sim, "LATE_SAMPLES") == 5 * 64


def test_underruns_of_a_stalled_device_are_not_ours(kit):
    sim = kit.device(kit.DelayLine(64, 0), 64, extra_periods=0)
    x = kit.ramp(64 * 60)
    sim.run(x[: 64 * 30], 64)
    sim._clock.ns += 20_000_000
    sim.callback(x[:64])  # the worker does not get to run before the next one
    sim._clock.ns += 20_000_000
    sim.callback(x[:64])
    assert word(sim, "DEVICE_STALLS") == 2
    assert word(sim, "LATE_SAMPLES") > 0
    assert word(sim, "OWN_UNDERRUNS") == 0


def test_a_hop_is_not_ours_to_answer_for_before_a_block_of_time_has_passed(kit):
    sim = kit.device(kit.DelayLine(64, 0), 64, extra_periods=0)
    x = kit.ramp(64 * 60)
    sim.run(x[: 64 * 30], 64)
    sim.callback(x[:64])
    sim._clock.ns -= round(64e9 / kit.rate) - 1000  # the device catches up
    sim.callback(x[:64])
    assert word(sim, "RUSHES") == 1
    assert (word(sim, "LATE_HOPS"), word(sim, "OWN_UNDERRUNS")) == (1, 0)
    sim.callback(x[:64])  # its hop's input came a block ago
    assert (word(sim, "LATE_HOPS"), word(sim, "OWN_UNDERRUNS")) == (2, 64)


def test_a_callback_of_a_device_that_catches_up_gives_the_worker_time(kit):
    block, call = 16384, compile_callback()
    x = kit.ramp(6 * block)
    out = np.zeros_like(x)
    for threaded in (True, False):
        sim = kit.device(kit.DelayLine(block, 0), block, extra_periods=0)
        engine = sim.engine
        engine.memory.words[r.STARTED] = 1
        if threaded:
            # As if a block lasted 4 s: a nap for the busiest machine.
            engine.memory.words[r.SAMPLE_RATE] = 4096
            engine.start_worker()
        for at in range(0, len(x), block):  # one straight after the other
            place = x[at:].ctypes.data, out[at:].ctypes.data
            call.ctypes(*place, block, 0, 0, engine.memory.address)
        assert word(sim, "RUSHES") == 5
        if threaded:
            assert engine.stop_worker()
            assert word(sim, "LATE_HOPS") == 0
            np.testing.assert_array_equal(out[block:], -x[:-block])
        else:  # nobody comes: what was due is dry after all
            assert word(sim, "LATE_HOPS") == 5
            np.testing.assert_array_equal(out[block:], x[:-block])


def test_a_stream_that_raises_is_dry_and_comes_back(kit):
    stream = kit.DelayLine(64, 64)
    sim = kit.device(stream, 64, extra_periods=0)
    latency = sim.engine.budget.engine_samples
    x = kit.ramp(64 * 40)
    y = [sim.run(x[: 64 * 20], 64)]
    stream.raises = True
    y.append(sim.run(x[64 * 20 : 64 * 23], 64))
    stream.raises = False
    y.append(sim.run(x[64 * 23 :], 64))
    whole = np.concatenate(y)[latency:, 0]
    truth = x[: len(whole), 0]
    assert sim.engine.worker.faults == 3
    assert "broken on purpose" in sim.engine.worker.last_fault
    dry = whole == truth
    # The hops that failed, and the one that the stream still held.
    np.testing.assert_array_equal(np.flatnonzero(dry), np.arange(64 * 19, 64 * 23))
    np.testing.assert_array_equal(whole[~dry], -truth[~dry])


def test_nan_at_the_input_never_reaches_the_output(kit):
    config = LiveConfig(block=64, channels=1, processor="cubic")
    stream, headroom = build_stream(config, kit.rate, 1)
    warm_stream(stream)
    sim = kit.device(stream, 64, headroom=headroom)
    x = kit.ramp(64 * 200) * 0.5
    x[3000:3010] = np.nan
    x[5000] = np.inf  # in a hop that the worker leaves out
    y = sim.run(x, 64, stalled=range(70, 90))  # wet and dry alike
    assert np.all(np.isfinite(y))
    assert word(sim, "BAD_INPUT") == 10


def test_dry_passes_the_same_gain_and_ceiling(kit):
    config = LiveConfig(block=256, channels=1, processor="bypass")
    stream, headroom = build_stream(config, kit.rate, 1)
    warm_stream(stream)
    sim = kit.device(stream, 256, headroom=headroom)
    latency = sim.engine.budget.engine_samples
    x = kit.ramp(256 * 100)
    y = sim.run(x, 256, stalled=range(40, 60))
    assert word(sim, "LATE_SAMPLES") > 0
    np.testing.assert_array_equal(
        y[latency:], x[: len(y) - latency] * np.float32(from_db(-6.0))
    )
    loud = sim.run(np.full((256 * 20, 1), 8.0, np.float32), 256, stalled=range(20))
    assert np.abs(loud).max() <= from_db(-1.0)


def test_the_engine_gives_the_bits_of_the_offline_stream(kit):
    config = LiveConfig(block=100, channels=2, processor="cubic", headroom="off")
    stream, _ = build_stream(config, kit.rate, 2)
    warm_stream(stream)
    t = np.arange(20000)[:, None] * np.array([0.05, 0.031])
    x = np.clip(0.9 * np.sin(t), -0.5, 0.6).astype(np.float32)
    sim = kit.device(stream, 100, inputs=2, outputs=2)
    y = sim.run(x, 100)
    latency = sim.engine.budget.engine_samples
    offline = build_stream(config, kit.rate, 2)[0].feed(x)
    n = min(len(y) - latency, len(offline) - stream.latency_samples)
    got = y[latency : latency + n]
    want = offline[stream.latency_samples : stream.latency_samples + n]
    np.testing.assert_array_equal(got, want)
    assert np.abs(got).max() > 0.61  # something was restored


def test_linked_channels_share_a_level(kit):
    t = np.arange(48000, dtype=np.float32)
    x = np.stack([np.clip(0.4 * np.sin(0.02 * t), -0.2, 0.2), 0.2 * np.sin(0.03 * t)])
    config = LiveConfig(processor="cubic", headroom="off", linked=True)
    stream, _ = build_stream(config, 48000, 2)
    stream.feed(np.ascontiguousarray(x.T, np.float32))
    assert stream.clips[1].high == stream.clips[0].high is not None


def test_mono_goes_to_both_ears_and_stereo_to_its_own_sides():
    mono = plan_layout(LiveConfig(), 1, 2)
    assert (mono.out_map, mono.n_channels, mono.in_channels) == ((0, 0), 1, 1)
    stereo = plan_layout(LiveConfig(), 2, 4)
    assert (stereo.in_map, stereo.out_map) == ((0, 1), (0, 1))
    narrow = plan_layout(LiveConfig(), 2, 1)
    assert narrow.out_map == (-2,)
    third = plan_layout(LiveConfig(in_channels=(2,)), 8, 2)
    assert (third.in_map, third.in_channels, third.out_map) == ((2,), 3, (0, 0))
    with pytest.raises(DeviceError, match="channel 4 was asked for; the device has 2"):
        plan_layout(LiveConfig(in_channels=(3,)), 2, 2)


def test_channel_maps_reach_the_samples(kit):
    x = kit.ramp(64 * 50, 2)
    sim = kit.device(kit.DelayLine(64, 0, 2), 64, inputs=2, outputs=1)
    latency = sim.engine.budget.engine_samples
    y = sim.run(x, 64)
    np.testing.assert_allclose(y[latency:, 0], -x[:-latency].mean(axis=1), rtol=1e-6)
    picked = kit.device(kit.DelayLine(64), 64, inputs=2, outputs=2, in_channels=(1,))
    y = picked.run(x, 64)
    for ear in range(2):
        np.testing.assert_array_equal(y[latency:, ear], -x[:-latency, 1])


def test_the_master_fade_glides_and_ends_exactly(kit):
    sim = kit.device(kit.DelayLine(64), 64)
    x = np.full((64 * 300, 1), -0.5, np.float32)
    sim.run(x[: 64 * 20], 64)
    sim.engine.memory.fade_to(0.0, 0.01)
    down = sim.run(x[: 64 * 20], 64)[:, 0]
    assert np.all(np.diff(down) <= 0)
    assert np.abs(np.diff(down)).max() < 0.5 / 400
    assert down[-1] == 0.0
    sim.engine.memory.fade_to(1.0, 0.2)
    up = sim.run(x, 64)[:, 0]
    assert up[-1] == 0.5
    assert abs(np.argmax(up == 0.5) / kit.rate - 0.2) < 0.005


def test_a_file_source_is_played_where_it_was_fed_and_silent_beyond(kit):
    sim = kit.device(kit.DelayLine(64), 64, inputs=1, outputs=1, file="a.wav")
    memory, latency = sim.engine.memory, sim.engine.budget.engine_samples
    x = kit.ramp(1000)
    memory.capture[:1000] = x
    memory.capture[1000:] = 0.75  # stale
    memory.words[r.FED] = 1000
    y = sim.run(np.zeros((64 * 30, 0), np.float32), 64)
    np.testing.assert_array_equal(y[latency : latency + 1000], -x)
    np.testing.assert_array_equal(y[latency + 1000 :], 0)


def test_the_compiled_callback_is_the_same_kernel_called_by_address(kit):
    sim = kit.device(kit.DelayLine(64), 64)
    memory = sim.engine.memory
    call = compile_callback()
    x = kit.ramp(64 * 10)
    out = np.empty((640, 1), np.float32)
    for i in range(10):
        place = x[64 * i :].ctypes.data, out[64 * i :].ctypes.data
        assert call.ctypes(*place, 64, 0, 0b0110, memory.address) == 0
        sim.work()
    latency = sim.engine.budget.engine_samples
    np.testing.assert_array_equal(out[latency:], -x[: 640 - latency])
    assert word(sim, "INPUT_OVERFLOWS") == 10
    assert word(sim, "OUTPUT_UNDERFLOWS") == 10
    assert word(sim, "INPUT_UNDERFLOWS") == 0
    assert word(sim, "CALLBACKS") == 10


def test_the_worker_thread_is_woken_by_the_callback_and_ends(kit):
    sim = kit.device(kit.DelayLine(64), 64)
    call = compile_callback()
    engine = sim.engine
    engine.start_worker()
    x = kit.ramp(64)
    out = np.empty((64, 1), np.float32)
    for i in range(20):
        call.ctypes(x.ctypes.data, out.ctypes.data, 64, 0, 0, engine.memory.address)
        while word(sim, "PUBLISHED") < 64 * (i + 1):
            pass
    assert engine.stop_worker()
    assert word(sim, "HOPS") == 20


def test_counters_survive_hours_of_simulated_sound(kit):
    sim = kit.device(kit.DelayLine(2048, 0), 2048, extra_periods=0)
    x = kit.ramp(2048)
    n = 20000  # 14 minutes at this size; the long soak is in the benchmark
    last = x
    for _ in range(n):
        y = sim.callback(x)
        sim.work()
        np.testing.assert_array_equal(y.any(), word(sim, "CALLBACKS") > 1)
        last = y
    np.testing.assert_array_equal(last, -x)
    assert word(sim, "CAPTURED") == word(sim, "PUBLISHED") == n * 2048
    assert word(sim, "PLAYED") == (n - 1) * 2048
    assert word(sim, "LATE_SAMPLES") == word(sim, "SKIPPED") == 0
