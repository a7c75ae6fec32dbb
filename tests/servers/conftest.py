"""Real sound servers, started and stopped by the tests, by process id."""

import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from contextlib import contextmanager
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


SINKS = ("src", "dst")


@contextmanager
def daemons():
    """Starts processes; ends them, the last one first."""
    running = []

    def start(words, env):
        running.append(
            subprocess.Popen(
                words, env=env, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
            )
        )
        return running[-1]

    try:
        yield start
    finally:
        for process in reversed(running):
            process.terminate()
            try:
                process.wait(3.0)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


def pulseaudio(start, runtime, tmp_path, env):
    """PulseAudio with two null sinks: its process and what a session is told."""
    if not list(Path("/usr/lib").glob("*/alsa-lib/libasound_module_pcm_pulse.so")):
        pytest.skip("ALSA's pulse plug-in is missing (apt install libasound2-plugins)")
    script = tmp_path / "ci.pa"
    sinks = "\n".join(
        f"load-module module-null-sink sink_name={name} rate=48000 channels=2 "
        "norewinds=1 format=float32le"
        for name in SINKS
    )
    script.write_text(
        ".fail\nload-module module-native-protocol-unix "
        f"socket={runtime / 'pulse.sock'} auth-anonymous=1\n{sinks}\n"
    )
    env["PULSE_RUNTIME_PATH"] = str(runtime / "pulse")
    command = ["pulseaudio", "-n", "--daemonize=no", "--exit-idle-time=-1"]
    command += ["--use-pid-file=no", "--disable-shm=no", "--realtime=yes"]
    command += ["--high-priority=yes", "-F", str(script)]
    process = start(command, env)
    env["PULSE_SERVER"] = f"unix:{runtime / 'pulse.sock'}"
    # A busy machine loses nothing of so long a buffer.
    path = {"input": "pulse:src.monitor", "output": "pulse:dst", "block": 256}
    return process, {**path, "device_latency": 0.1}


def pipewire(start, runtime, tmp_path, env):
    """PipeWire with the same sinks; sound passes through its JACK library."""
    library = next(Path("/usr/lib").glob("*/pipewire-0.3/jack"), None)
    if library is None:
        pytest.skip("PipeWire's JACK library is missing (apt install pipewire-jack)")
    bus, socket = runtime / "bus", runtime / "pulse" / "native"
    env["PIPEWIRE_RUNTIME_DIR"] = str(runtime)
    env["DBUS_SESSION_BUS_ADDRESS"] = f"unix:path={bus}"
    words = ["dbus-daemon", "--session", "--nofork"]
    start([*words, f"--address=unix:path={bus}"], env)
    until(bus.exists, 10.0, "D-Bus's start")
    process = start(["pipewire"], env)
    until((runtime / "pipewire-0").exists, 10.0, "PipeWire's start")
    start(["wireplumber"], env)
    start(["pipewire-pulse"], env)
    until(socket.exists, 10.0, "pipewire-pulse's start")
    env["PULSE_SERVER"] = f"unix:{socket}"
    for name in SINKS:
        load = ["pactl", "load-module", "module-null-sink", f"sink_name={name}"]
        subprocess.run([*load, "rate=48000", "channels=2"], env=env, check=True,
                       capture_output=True)  # fmt: skip
    # What the command pw-jack does.
    env["LD_LIBRARY_PATH"] = str(library)
    env["PIPEWIRE_LATENCY"] = "1024/48000"
    return process, {"input": "src Audio", "output": "dst Audio", "block": 1024}


PROGRAMS = {
    pulseaudio: ("pulseaudio",),
    pipewire: ("pipewire", "pipewire-pulse", "wireplumber", "dbus-daemon"),
}


@pytest.fixture(params=PROGRAMS, ids=lambda server: server.__name__)
def pulse(request, runtime, tmp_path, monkeypatch):
    """A server that talks PulseAudio's protocol, with null sinks ``src`` and ``dst``.

    ``path`` leads from one to the other: a session's options.
    """
    for name in (*PROGRAMS[request.param], "pactl", "paplay", "parec"):
        if not shutil.which(name):
            pytest.skip(f"{name} is not installed")
    env = {**os.environ, "XDG_RUNTIME_DIR": str(runtime), "HOME": str(tmp_path)}
    with daemons() as start:
        process, path = request.param(start, runtime, tmp_path, env)
        monkeypatch.setenv("PULSE_SERVER", env["PULSE_SERVER"])

        def ready():
            look = subprocess.run(
                ["pactl", "list", "short", "sinks"], env=env, capture_output=True
            )
            return b"dst" in look.stdout

        until(ready, 10.0, "the sound server's start")
        yield SimpleNamespace(env=env, process=process, path=path)


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
