import numpy as np
import pytest

from rtdeclip.benchmarks import jack_server, live_cost, live_start
from rtdeclip.benchmarks.jack_probe import CLIP_LEVEL, judge, probe_signal
from rtdeclip.benchmarks.live import VARIANTS, run, soak


def test_the_verdict_finds_delay_damage_and_repair():
    sent = probe_signal()
    record = np.zeros_like(sent)
    late = 300
    record[late:] = sent[:-late]
    clean = judge(record, 256)
    assert (clean.rtt_samples, clean.bad_blocks, clean.repaired_samples) == (300, 0, 0)
    assert clean.clipped_samples > 10000
    loud = abs(record) >= CLIP_LEVEL
    record[loud] *= 1.2
    assert judge(record, 256).repaired_samples == judge(record, 256).clipped_samples
    record[20000] += 0.001
    record[40000:] = record[39990:-10].copy()
    damaged = judge(record, 256)
    assert damaged.rtt_changes == 1
    assert damaged.bad_blocks > 90


def test_a_block_that_the_server_dropped_counts_once_whatever_the_delay():
    sent = probe_signal()
    for late in (512, 300):
        record = np.zeros_like(sent)
        record[late:] = sent[:-late]
        record[20 * 256 + late % 256 :][:256] = 0.0  # one block as it was sent
        assert judge(record, 256).bad_blocks == 1


def through(sent, path, lost, block=256):
    """What a path of ``path`` samples returns whose client loses a cycle."""
    kept = np.delete(sent.reshape(-1, block), lost, axis=0).ravel()
    out = np.concatenate([np.zeros(path, np.float32), kept])[: len(kept)]
    at = lost * block
    return np.concatenate([out[:at], out[at - block : at], out[at:]])  # the old again


def test_a_cycle_lost_to_a_client_is_one_break_however_long_its_path():
    sent = probe_signal()
    bare, engine = (judge(through(sent, path, 30), 256) for path in (256, 1008))
    assert (bare.rtt_samples, engine.rtt_samples) == (256, 1008)
    assert (bare.breaks, engine.breaks) == (1, 1)
    # A stale block; and what was under way, a period late.
    assert (bare.bad_blocks, engine.bad_blocks) == (2, 5)


def test_the_soak_is_exact():
    row = soak(0.02)
    assert (row.late_samples, row.latency_constant, row.counters_exact) == (
        0,
        True,
        True,
    )


@pytest.mark.servers
def test_a_variant_gives_a_row_with_what_it_can_know(runtime):
    if reason := jack_server.why_not():
        pytest.skip(reason)
    rows = list(run([1024], 0.5, (True,), variants=(*VARIANTS[:2], VARIANTS[3])))
    engine, bare, python = rows
    assert [row.variant for row in rows] == [*VARIANTS[:2], VARIANTS[3]]
    assert engine.stated_samples == engine.rtt_samples
    assert engine.own_underruns is not None
    assert bare.own_underruns is python.own_underruns is None
    assert bare.repaired_samples == 0 < python.repaired_samples
    assert bare.device_stalls is not None
    assert python.device_stalls is None
    assert all(row.callbacks > 10 and row.blocks > 5 for row in rows)


@pytest.mark.servers
def test_the_sound_returns_with_its_server_and_the_row_says_when(runtime):
    if reason := jack_server.why_not():
        pytest.skip(reason)
    (row,) = live_start.run("bypass", ["returned"])
    assert (row.case, row.processor, row.began_with) == ("returned", "bypass", "bypass")
    assert 0.0 < row.sound_s <= row.whole_s
    assert row.cpu_s > 0.0


@pytest.mark.servers
def test_the_cost_of_the_command_and_of_its_view_is_told_apart(runtime):
    if reason := jack_server.why_not():
        pytest.skip(reason)
    row = live_cost.measure(0.5, block=1024)
    assert (row.processor, row.n_channels, row.block) == ("bypass", 2, 1024)
    assert row.audio_share > 0.0
    assert row.view_share < 1.0
    assert row.seconds >= 0.5
