import numpy as np
import pytest

from rtdeclip.live import drift
from rtdeclip.live import ring as r
from rtdeclip.live.config import LiveConfig
from rtdeclip.live.engine import Engine, plan_layout

BLOCK = 256


class TwoClocks:
    """An input and an output device whose clocks disagree, by a simulated clock."""

    def __init__(self, kit, ppm, in_rate=48000, out_rate=48000, jitter_s=0.0):
        self.in_rate, self.out_rate = in_rate, out_rate * (1 + ppm * 1e-6)
        config = LiveConfig(block=BLOCK, channels=1)
        layout = plan_layout(config, 1, 1)
        stream = kit.DelayLine(256, 100)
        self.engine = Engine(
            config, layout, stream, in_rate, clock_ns=lambda: 0, out_rate=out_rate
        )
        self.words = self.engine.memory.words
        self.reals = self.engine.memory.reals
        self.reals[r.FADE] = self.reals[r.FADE_TARGET] = 1.0
        self.jitter_s = jitter_s
        self.next_in, self.next_out = BLOCK / in_rate, 1.3 * BLOCK / in_rate
        self.captured = 0
        self.delays, self.out = [], []

    def run(self, seconds, hz=1000.0, stalled=(2.0, 2.0)):
        rng = np.random.default_rng(0)
        block = self.engine.memory.block
        out = np.empty(BLOCK, np.float32)
        while min(self.next_in, self.next_out) < seconds:
            late = abs(rng.normal(0.0, self.jitter_s))
            if self.next_in < self.next_out:
                n = np.arange(self.captured, self.captured + BLOCK)
                x = 0.5 * np.sin(2 * np.pi * hz * n / self.in_rate)
                now = int(1e9 * (self.next_in + late))
                drift.take_input(block, x.astype(np.float32), BLOCK, now)
                self.captured += BLOCK
                if not stalled[0] <= self.next_in < stalled[1]:
                    while self.engine.worker.step():
                        pass
                self.next_in += BLOCK / self.in_rate
            else:
                now = int(1e9 * (self.next_out + late))
                drift.give_output(block, out, BLOCK, now, 0)
                exact = self.next_out * self.in_rate - float(self.reals[r.READ_AT])
                self.delays.append(exact)
                self.out.append(out.copy())
                self.next_out += BLOCK / self.out_rate
        return np.concatenate(self.out)


def tone_quality_db(x, cycles_per_sample):
    n = np.arange(len(x))
    phase = 2 * np.pi * cycles_per_sample * n
    basis = np.stack([np.sin(phase), np.cos(phase)], axis=1)
    rest = x - basis @ np.linalg.lstsq(basis, x, rcond=None)[0]
    return 10 * np.log10(np.sum(x**2) / np.sum(rest**2))


@pytest.mark.parametrize("ppm", [100.0, -300.0])
def test_the_drift_is_found_and_the_latency_stays(kit, ppm):
    two = TwoClocks(kit, ppm)
    y = two.run(40.0)
    integral = float(two.reals[r.LOOP_INTEGRAL])
    assert abs(-1e6 * integral / (1 + integral) - ppm) < 1.0
    settled = np.array(two.delays[len(two.delays) // 2 :])
    assert np.ptp(settled) < 1.0
    budget = two.engine.budget  # no device part here
    assert abs(settled.mean() - budget.total_samples) < 1.0
    assert int(two.words[r.LATE_SAMPLES]) == 0
    assert tone_quality_db(y[-20000:], 1000.0 / two.out_rate) > 80.0


def test_jittery_stamps_bend_the_pitch_by_at_most_a_hundredth_of_a_percent(kit):
    two = TwoClocks(kit, 50.0, jitter_s=0.0005)
    ratios = []
    two.run(20.0)
    for _ in range(200):
        two.run(two.next_out + 0.05)
        ratios.append(float(two.reals[r.RATIO]))
    assert np.abs(np.array(ratios) - 1.0).max() < 1e-4
    assert int(two.words[r.LATE_SAMPLES]) == 0


def test_devices_of_different_rates_are_joined(kit):
    two = TwoClocks(kit, 20.0, in_rate=44100)
    y = two.run(20.0)
    assert tone_quality_db(y[-20000:], 1000.0 / two.out_rate) > 75.0


def test_a_stalled_worker_fades_to_dry_and_back_without_a_jump(kit):
    two = TwoClocks(kit, 0.0)
    y = two.run(8.0, stalled=(4.0, 4.3))
    late = int(two.words[r.LATE_SAMPLES])
    assert 0.25 * 48000 < late < 0.35 * 48000
    # Wet is the negative of dry: without a fade the slope would be twice the swing.
    swing = 0.5 * 2 * np.pi * 1000 / 48000
    fading = 2 * 0.5 / (drift.FADE_S * 48000)
    start = int(two.words[r.LATENCY]) + 4096
    assert np.abs(np.diff(y[start:])).max() < 1.1 * (swing + fading)
    assert np.abs(np.diff(np.array(two.delays[600:]))).max() < 2.0
