import subprocess

import numpy as np
import pytest
import soundfile

from rtdeclip.live.config import LiveConfig
from rtdeclip.live.devices import choose, pulse_devices
from rtdeclip.live.virtual_mic import SOURCE, VirtualMicrophone, modules
from rtdeclip.metrics.sdr import delta_sdr_db
from rtdeclip.stream.offline import declip

pytestmark = pytest.mark.servers

RATE = 48000


def clipped_noise(seconds):
    """Low-passed noise, clipped at 0.5: its clean version too."""
    rng = np.random.default_rng(3)
    white = rng.standard_normal((round(seconds * RATE), 1))
    window = np.hanning(24)
    clean = np.convolve(white[:, 0], window / np.sqrt(np.sum(window**2)), "same")
    clean = (0.35 * clean[:, None]).astype(np.float32)
    return clean, np.clip(clean, -0.5, 0.5)


def through(pulse, live, poll_until, x, tmp_path):
    """What ``parec`` hears on ``dst`` while ``paplay`` plays ``x`` into ``src``."""
    source, heard = tmp_path / "in.wav", tmp_path / "heard.raw"
    soundfile.write(source, np.repeat(x, 2, axis=1), RATE, subtype="FLOAT")
    record = ["parec", "-d", "dst.monitor", "--format=float32le", "--rate=48000"]
    record += ["--channels=2", "--raw", "--latency-msec=50"]
    with heard.open("wb") as file:
        recorder = subprocess.Popen(record, env=pulse.env, stdout=file)
        try:
            subprocess.run(
                ["paplay", "-d", "src", str(source)], env=pulse.env, check=True
            )
            n_bytes = len(x) * 8

            def all_heard():
                data = np.fromfile(heard, "<f4")
                n = np.flatnonzero(data)
                tail = len(data) - (n[-1] if len(n) else len(data))
                return heard.stat().st_size > n_bytes and tail > RATE // 4

            poll_until(live, all_heard)
        finally:
            recorder.terminate()
            recorder.wait()
    return np.fromfile(heard, "<f4").reshape(-1, 2)[:, :1]


PIECE = 1000


def pieces(heard, sent, scale=1.0):
    """Matching pieces (heard, sent from where) of ``PIECE`` samples.

    PulseAudio drops or repeats a few samples whenever it is disturbed, so each piece
    is aligned by itself, by the exact value of an unclipped sample.
    """
    order = np.argsort(sent[:, 0])
    values = sent[order, 0] * np.float32(scale)
    found = []
    for start in range(0, len(heard) - PIECE, PIECE):
        piece = heard[start : start + PIECE, 0]
        for k in np.flatnonzero((np.abs(piece) < 0.4 * scale) & (piece != 0))[:5]:
            i = np.searchsorted(values, piece[k])
            if i < len(values) and values[i] == piece[k]:
                at = int(order[i]) - int(k)
                if 0 <= at <= len(sent) - PIECE:
                    found.append((start, at))
                    break
    return found


def test_paplay_to_parec_is_bit_exact_where_it_was_not_clipped(
    pulse, session, poll_until, tmp_path
):
    live = session(LiveConfig(**pulse.path, headroom="off"), pulse.env)
    assert live.info["input"].startswith("src")
    poll_until(live, lambda: live.reader.status().gain == 1.0)
    _, x = clipped_noise(3.0)
    heard = through(pulse, live, poll_until, x, tmp_path)
    exact = repaired = clipped = 0
    matched = pieces(heard, x)
    for start, at in matched:
        y, truth = heard[start : start + PIECE], x[at : at + PIECE]
        reliable = np.abs(truth) < 0.5
        if np.array_equal(y[reliable], truth[reliable]):
            exact += 1
            if at > RATE:  # levels are known by then
                clipped += np.sum(~reliable)
                repaired += np.sum(y[~reliable] * np.sign(truth[~reliable]) > 0.5)
    # Nothing but a piece that PulseAudio broke in the middle may differ.
    assert len(matched) > 100
    assert exact > 0.8 * len(matched)
    assert clipped > 1000
    assert repaired > 0.7 * clipped


def test_default_headroom_keeps_the_gain_in_sdr(pulse, session, poll_until, tmp_path):
    live = session(LiveConfig(**pulse.path, processor="cubic"), pulse.env)
    poll_until(live, lambda: live.reader.status().gain == 1.0)
    clean, x = clipped_noise(3.0)
    heard = through(pulse, live, poll_until, x, tmp_path)
    offline = declip(x, RATE, "cubic")
    gain = np.float32(10 ** (-6 / 20))
    got, want = [], []
    for start, at in pieces(heard, x, gain):
        here = slice(at, at + PIECE)
        y = heard[start : start + PIECE] / gain
        reliable = np.abs(x[here]) < 0.5
        # Whole pieces in which the limiter had nothing to do nor PulseAudio erred.
        if at > RATE and np.allclose(y[reliable], x[here][reliable], rtol=1e-5):
            got.append(y)
            want.append(here)
    assert len(want) > 20

    def joined(signal):
        return np.concatenate([signal[here] for here in want])

    offline_db = delta_sdr_db(joined(clean), joined(x), joined(offline))
    live_db = delta_sdr_db(joined(clean), joined(x), np.concatenate(got))
    assert offline_db > 3.0
    assert live_db >= 0.95 * offline_db


def test_a_virtual_microphone_is_heard_and_leaves_nothing(
    pulse, session, poll_until, tmp_path, monkeypatch
):
    monkeypatch.setenv("XDG_RUNTIME_DIR", pulse.env["XDG_RUNTIME_DIR"])
    microphone = VirtualMicrophone.create()
    assert len(modules()) == 2
    assert VirtualMicrophone.create().made_here is False
    assert choose("rtdeclip_mic", "input", pulse_devices()).name == SOURCE
    config = LiveConfig(input="pulse:src.monitor", output=microphone.sink)
    live = session(config, pulse.env)
    poll_until(live, lambda: live.reader.status().gain == 1.0)
    heard = tmp_path / "mic.raw"
    record = ["parec", "-d", SOURCE, "--format=float32le", "--rate=48000", "--raw"]
    _, x = clipped_noise(1.0)
    source = tmp_path / "in.wav"
    soundfile.write(source, x, RATE, subtype="FLOAT")
    with heard.open("wb") as file:
        recorder = subprocess.Popen(record, env=pulse.env, stdout=file)
        try:
            subprocess.run(
                ["paplay", "-d", "src", str(source)], env=pulse.env, check=True
            )
            poll_until(live, lambda: np.abs(np.fromfile(heard, "<f4")).sum() > 100)
        finally:
            recorder.terminate()
            recorder.wait()
    live.stop()
    microphone.remove()
    assert modules() == []


def test_a_server_that_ends_is_waited_for(pulse, session, poll_until):
    live = session(LiveConfig(**pulse.path), pulse.env)
    poll_until(live, lambda: live.reader.status().played > 0)
    pulse.process.kill()
    events = poll_until(live, lambda: live.state == "waiting" and live.pid)
    assert "reconnecting" in [e["event"] for e in events]
    live.stop()
    assert live.state == "ended"
