"""Real sound servers, started and stopped by the tests, by process id."""

import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from types import SimpleNamespace

import pytest

from rtdeclip.benchmarks import jack_server
from rtdeclip.errors import RtdeclipError

LIMIT_S = 30.0


def until(condition, limit_s=LIMIT_S, what="the condition"):
    """Polls until ``condition()`` is true; its value."""
    deadline = time.monotonic() + limit_s
    while time.monotonic() < deadline:
        if found := condition():
            return found
        time.sleep(0.02)
    raise AssertionError(f"{what} did not come true within {limit_s} s")


class Probe:
    """The far end, in a process of its own."""

    def __init__(self, env, *words):
        module = "rtdeclip.benchmarks.jack_probe"
        self.process = subprocess.Popen(
            [sys.executable, "-m", module, "120", *words],
            env=env,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        )
        assert self.process.stdout.readline() == "PROBE READY\n"

    def verdict(self):
        out, _ = self.process.communicate(timeout=LIMIT_S)
        return SimpleNamespace(**json.loads(out))

    def kill(self):
        if self.process.poll() is None:
            self.process.kill()
        self.process.communicate()


@pytest.fixture
def runtime(monkeypatch):
    """A runtime directory that must be empty at the end."""
    with tempfile.TemporaryDirectory() as name:
        monkeypatch.setenv("XDG_RUNTIME_DIR", name)
        yield Path(name)
        assert list(Path(name).glob("rtdeclip/*")) == []


@pytest.fixture
def jack(runtime):
    """A JACK server of 1024 samples a period and its probe."""
    if reason := jack_server.why_not():
        pytest.skip(reason)
    server = jack_server.JackServer(48000, 1024)
    probes = []
    try:
        env = {**server.env, "XDG_RUNTIME_DIR": str(runtime)}

        def probe(*words):
            probes.append(Probe(env, *words))
            return probes[-1]

        yield SimpleNamespace(server=server, env=env, probe=probe)
    finally:
        for one in probes:
            one.kill()
        server.stop()
    assert not list(Path("/dev/shm").glob(f"jack*{server.name}*"))


@pytest.fixture
def pulse(runtime, tmp_path, monkeypatch):
    """A PulseAudio server with the null sinks ``src`` and ``dst``."""
    for name in ("pulseaudio", "pactl", "paplay", "parec"):
        if not shutil.which(name):
            pytest.skip(f"{name} is not installed (apt install pulseaudio-utils)")
    if not list(Path("/usr/lib").glob("*/alsa-lib/libasound_module_pcm_pulse.so")):
        pytest.skip("ALSA's pulse plug-in is missing (apt install libasound2-plugins)")
    socket = runtime / "pulse.sock"
    script = tmp_path / "ci.pa"
    sinks = "\n".join(
        f"load-module module-null-sink sink_name={name} rate=48000 channels=2 "
        "norewinds=1 format=float32le"
        for name in ("src", "dst")
    )
    script.write_text(
        f".fail\nload-module module-native-protocol-unix socket={socket} "
        f"auth-anonymous=1\n{sinks}\n"
    )
    env = {
        **os.environ,
        "XDG_RUNTIME_DIR": str(runtime),
        "PULSE_RUNTIME_PATH": str(runtime / "pulse"),
        "HOME": str(tmp_path),
    }
    command = ["pulseaudio", "-n", "--daemonize=no", "--exit-idle-time=-1"]
    command += ["--use-pid-file=no", "--disable-shm=no", "--realtime=yes"]
    command += ["--high-priority=yes", "-F", str(script)]
    process = subprocess.Popen(
        command, env=env, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    env["PULSE_SERVER"] = f"unix:{socket}"
    monkeypatch.setenv("PULSE_SERVER", env["PULSE_SERVER"])

    def ready():
        look = subprocess.run(
            ["pactl", "list", "short", "sinks"], env=env, capture_output=True
        )
        return b"dst" in look.stdout

    try:
        until(ready, 10.0, "PulseAudio's start")
        yield SimpleNamespace(env=env, process=process)
    finally:
        process.terminate()
        try:
            process.wait(3.0)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


@pytest.fixture(name="until")
def until_fixture():
    return until


@pytest.fixture
def session():
    """Makes supervised sessions and ends them."""
    from rtdeclip.live.supervisor import Supervisor

    made = []

    def start(config, env, **options):
        made.append(Supervisor(config, env=env, **options))
        made[-1].start()
        made[-1].wait_until_running(LIMIT_S)
        return made[-1]

    yield start
    for one in made:
        pid = one.pid
        one.stop()
        with pytest.raises(ProcessLookupError):
            os.kill(pid or 2**22 + 1, 0)


@pytest.fixture
def poll_until():
    """Polls a session until a condition holds."""

    def wait(one, condition, limit_s=LIMIT_S):
        events = []

        def turn():
            events.extend(one.poll())
            if one.state == "failed":
                raise one.error or RtdeclipError("failed")
            return condition()

        until(turn, limit_s, "the session's state")
        return events

    return wait
