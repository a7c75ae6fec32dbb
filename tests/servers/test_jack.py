import json
import os
import signal
import subprocess
import sys

import pytest

from rtdeclip.benchmarks.jack_probe import SWELLING_SAMPLES
from rtdeclip.errors import DeviceError
from rtdeclip.live.config import LiveConfig
from rtdeclip.live.realtime import CONTROL_PRIORITY, FIFO
from rtdeclip.live.runtime_dir import process_is_alive
from rtdeclip.live.supervisor import Supervisor
from rtdeclip.live.warm import Helpers

pytestmark = pytest.mark.servers

PLAIN = {"input": "probe", "output": "probe", "headroom": "off"}


def far(session, seconds):
    """True when so much sound has left."""

    def reached():
        reader = session.reader
        return reader and reader.status().played > seconds * reader.sample_rate

    return reached


def test_reliable_samples_arrive_bit_exact_and_clipped_ones_repaired(
    jack, session, poll_until
):
    probe = jack.probe()
    live = session(LiveConfig(**PLAIN), jack.env)
    poll_until(live, far(live, 3.0))
    late = live.reader.status().late_hops
    live.stop()
    verdict = probe.verdict()
    assert verdict.blocks > 80
    assert verdict.rtt_samples == live.info["latency_samples"]
    # Whatever went wrong, both ends must have seen it.
    assert verdict.bad_blocks == 0 or verdict.xruns > 0
    assert verdict.rtt_changes <= verdict.xruns
    if not late:
        assert verdict.repaired_samples > 0.75 * verdict.clipped_samples
    assert live.summary["clipped_samples"] > 0


def test_auto_follows_the_clipping_and_logs_the_sample_where_it_changed(
    jack, session, poll_until
):
    Helpers(["bypass", "auto"], 48000).wait()  # else another would stand in for it
    probe = jack.probe("swelling")
    # Of its windows 46 ms is the better one for heavy clipping, 25 ms for light.
    chosen = {"settings": {"only": "aspade", "max_latency": 60.0}}
    live = session(LiveConfig(**PLAIN, processor="auto", **chosen), jack.env)

    def choices():
        told = live.reader.events() if live.reader else []
        return [e for e in told if e.text.startswith("choice: ")]

    poll_until(live, lambda: len(choices()) >= 3)
    poll_until(live, far(live, 0.3 + live.reader.status().played / 48000))
    first, light, heavy = choices()
    hop, latency = live.info["hop"], live.info["latency_samples"]
    live.stop()
    verdict = probe.verdict()
    assert "window_ms=46" in first.text
    assert "window_ms=25" in light.text
    assert heavy.text == first.text
    # The probe's clipping grows in the middle of its signal.
    assert 0 == first.position < light.position < SWELLING_SAMPLES // 2
    assert abs(heavy.position - SWELLING_SAMPLES // 2) < 48000
    assert light.position % hop == heavy.position % hop == 0
    assert verdict.rtt_samples == latency
    assert verdict.bad_blocks == 0 or verdict.xruns > 0
    assert verdict.reliable_samples > 4 * 48000


def test_no_python_thread_is_below_the_worker_where_rights_allow(
    jack, session, poll_until
):
    jack.probe()
    live = session(LiveConfig(**PLAIN), jack.env)
    poll_until(live, far(live, 0.2))
    if live.reader.status().scheduler != FIFO:
        pytest.skip("no right to real-time scheduling here")
    # One that is preempted while it holds the interpreter's lock stops the worker.
    assert os.sched_getscheduler(live.pid) & 0xFF == os.SCHED_FIFO
    assert os.sched_getparam(live.pid).sched_priority == CONTROL_PRIORITY


def test_a_python_callback_carries_the_same_sound(jack, session, poll_until):
    probe = jack.probe()
    live = session(LiveConfig(**PLAIN, python_callback=True), jack.env)
    assert live.info["compiled_callback"] is False
    poll_until(live, far(live, 1.5))
    live.stop()
    verdict = probe.verdict()
    assert verdict.rtt_samples == live.info["latency_samples"]
    assert verdict.reliable_samples > 10000


def test_the_servers_period_is_the_block_and_asks_for_no_more(
    jack, session, poll_until
):
    jack.probe()
    live = session(LiveConfig(**PLAIN, processor="bypass", block=256), jack.env)
    rows = dict(live.info["latency_rows"])
    assert live.info["block"] == 1024
    assert live.info["hop"] == 256
    # H + B − gcd(H, B), and no further period: the block is above 256.
    assert rows["hop"] + rows["rings"] == 256 + 1024 - 256


def test_a_hung_audio_process_is_ended_and_replaced(jack, session, poll_until):
    jack.probe()
    live = session(LiveConfig(**PLAIN), jack.env)
    poll_until(live, far(live, 0.3))
    first = live.pid
    os.kill(first, signal.SIGSTOP)
    events = poll_until(live, lambda: live.pid not in (0, first) and live.reader)
    assert [e["code"] for e in events if e["event"] == "reconnecting"] == [-9]
    assert not process_is_alive(first)
    poll_until(live, far(live, 0.1))
    assert live.restarts == 1


def test_a_killed_audio_process_is_replaced_with_its_settings(
    jack, session, poll_until
):
    jack.probe()
    live = session(LiveConfig(**PLAIN), jack.env)
    poll_until(live, far(live, 0.3))
    live.writer.set("bypass", 1.0)
    first = live.pid
    os.kill(first, signal.SIGKILL)
    events = poll_until(live, lambda: live.pid not in (0, first) and live.reader)
    assert [e["code"] for e in events if e["event"] == "reconnecting"] == [-9]
    poll_until(live, far(live, 0.1))
    assert live.reader.parameters()["bypass"] == 1.0
    assert live.restarts == 1


def test_a_dead_server_is_left_and_found_again_by_name(jack, session, poll_until):
    jack.probe()
    live = session(LiveConfig(**PLAIN), jack.env)
    poll_until(live, far(live, 0.3))
    jack.server.kill()
    events = poll_until(live, lambda: live.state == "waiting" and live.pid)
    assert "reconnecting" in [e["event"] for e in events]
    jack.server.start()
    probe = jack.probe()
    poll_until(live, lambda: live.state == "running")
    poll_until(live, far(live, 1.0))
    live.stop()
    assert live.state == "ended"
    assert probe.verdict().blocks > 10


def test_a_host_that_dies_takes_the_audio_process_with_it(jack, until):
    jack.probe()
    code = (
        "import sys, os, signal, time\n"
        "from rtdeclip.live.config import LiveConfig\n"
        "from rtdeclip.live.supervisor import Supervisor\n"
        "s = Supervisor(LiveConfig(input='probe', output='probe'))\n"
        "s.start(); s.wait_until_running(30)\n"
        "print(s.pid, flush=True)\n"
        "os.kill(os.getpid(), signal.SIGKILL)\n"
    )
    host = subprocess.run(
        [sys.executable, "-c", code], env=jack.env, capture_output=True, text=True
    )
    pid = int(host.stdout)

    def gone():
        return not process_is_alive(pid)

    until(gone, 10.0, "the audio process's end")


def test_a_device_that_is_not_there_is_an_error_with_the_names_there_are(jack):
    jack.probe()
    live = Supervisor(LiveConfig(input="nowhere", output="probe"), env=jack.env)
    live.start()
    with pytest.raises(DeviceError, match=r"No input device fits 'nowhere'.*probe"):
        live.wait_until_running(30.0)
    live.stop()


def test_the_command_ends_cleanly_on_sigterm_and_tells_by_json(jack):
    jack.probe()
    command = [sys.executable, "-c", "from rtdeclip.cli.main import main; main()"]
    command += ["live", "--in", "probe", "--out", "probe", "--json"]
    with subprocess.Popen(
        command, env=jack.env, stdout=subprocess.PIPE, text=True
    ) as process:
        kinds = []
        for line in process.stdout:
            event = json.loads(line)
            kinds.append(event["event"])
            if event["event"] == "started":
                assert event["latency_samples"] > 0
            if event["event"] == "status" and kinds.count("status") == 3:
                assert event["late_hops"] >= 0
                assert event["processor"] in ("auto", "cubic")  # cubic stands in
                process.terminate()
        assert process.wait() == 143
    assert kinds[0] == "building"
    assert "ended" in kinds


def test_the_round_trip_is_measured_through_a_loop(jack):
    jack.probe("loop")
    code = "from rtdeclip.cli.main import main; main()"
    words = ["live", "--in", "loop", "--out", "loop", "--measure-latency", "--json"]
    done = subprocess.run(
        [sys.executable, "-c", code, *words],
        env=jack.env,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    row = json.loads(done.stdout)
    assert row["clarity"] > 4.0
    assert abs(row["gain_db"]) < 0.5
    # JACK's period each way is assumed; one of them may be saved by its own order.
    assert row["difference_samples"] in (-1024, 0)


def test_two_clocks_state_what_is_measured(jack):
    jack.probe("loop")
    code = "from rtdeclip.cli.main import main; main()"
    words = ["live", "--in", "loop", "--out", "loop", "--measure-latency", "--json"]
    done = subprocess.run(
        [sys.executable, "-c", code, *words, "--clocks", "two"],
        env=jack.env,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    off = json.loads(done.stdout)["difference_samples"]
    # As above; the reading position settles to within the jitter's reserve.
    assert min(abs(off), abs(off + 1024)) < 100


def test_a_loop_that_is_none_is_said(jack):
    code = "from rtdeclip.cli.main import main; main()"
    words = ["live", "--in", "system", "--out", "system", "--monitor-speakers"]
    done = subprocess.run(
        [sys.executable, "-c", code, *words, "--measure-latency"],
        env=jack.env,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 1
    assert "did not come back" in done.stderr
    assert "Connect the output to the" in done.stderr


def test_the_default_microphone_is_not_played_into_the_default_speakers(jack):
    live = Supervisor(LiveConfig(input="default", output="default"), env=jack.env)
    live.start()
    with pytest.raises(DeviceError, match=r"headphones.*--virtual-mic"):
        live.wait_until_running(30.0)
    live.stop()
