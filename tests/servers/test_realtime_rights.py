"""RTKit, asked by a process that may not give itself SCHED_FIFO.

Against a service on a bus of the test's own that speaks RTKit's interface, and against
the real daemon where it is installed and may be run (root; ``apt install rtkit``); its
question to polkit is then answered by the test. D-Bus messages are written out here
(D-Bus Specification, "Message Protocol"): fixed fields, an array of (code, variant),
padding to 8 bytes, the body.
"""

import ctypes
import json
import os
import resource
import shutil
import socket
import struct
import subprocess
import sys
import tempfile
import threading
from pathlib import Path

import pytest

from rtdeclip.live.realtime import ORDINARY, RTKIT, RTKIT_PRIORITY

pytestmark = pytest.mark.servers

NAME = "org.freedesktop.RealtimeKit1"
_PR_CAPBSET_DROP, _CAP_SYS_NICE = 24, 23
_ASK = """
import json, os, threading
from dataclasses import asdict
from rtdeclip.live.realtime import make_thread_realtime
granted = asdict(make_thread_realtime())
policy = os.sched_getscheduler(0) & ~os.SCHED_RESET_ON_FORK
me = [os.getpid(), threading.get_native_id()]
print(json.dumps(granted | {"policy": policy, "me": me}))
"""
_LIVE = """
import json, os, time
from rtdeclip.live.config import LiveConfig
from rtdeclip.live.supervisor import Supervisor
live = Supervisor(LiveConfig(input="probe", output="probe", processor="bypass"))
live.start()
live.wait_until_running(120.0)
# The worker asks when it starts; the sound does not wait for the answer.
until = time.monotonic() + 30.0
while not (status := live.reader.status()).scheduler and time.monotonic() < until:
    time.sleep(0.02)
tids = [int(name) for name in os.listdir(f"/proc/{live.pid}/task")]
live.stop()
print(json.dumps({"scheduler": status.scheduler, "priority": status.priority,
                  "me": [live.info is not None, tids]}))
"""


CALL, REPLY, ERROR = 1, 2, 3
_MEMBER, _ERROR_NAME, _REPLY_SERIAL, _DESTINATION, _SENDER = 3, 4, 5, 6, 7
_CONFIG = """<busconfig>
<type>session</type><listen>unix:path={path}</listen><auth>EXTERNAL</auth>
<policy context="default">
<allow send_destination="*" eavesdrop="true"/><allow eavesdrop="true"/><allow own="*"/>
</policy></busconfig>"""


def _aligned(data, to):
    return data + bytes(-len(data) % to)


def _text(value):
    data = value.encode()
    return struct.pack("<I", len(data)) + data + b"\0"


def _message(kind, serial, fields, body=b""):
    """One message; ``fields`` are (code, signature, value)."""
    array = b""
    for code, signature, value in fields:
        array = _aligned(array, 8) + bytes((code, 1)) + signature.encode() + b"\0"
        if signature == "g":
            array += bytes((len(value),)) + value.encode() + b"\0"
        else:
            array = _aligned(array, 4)
            array += struct.pack("<I", value) if signature == "u" else _text(value)
    head = struct.pack("<cBBBIII", b"l", kind, 0, 1, len(body), serial, len(array))
    return _aligned(head + array, 8) + body


def _fields(array):
    """Code → value of a header's fields."""
    found, at = {}, 0
    while at < len(array):
        at += -at % 8
        code, signature = array[at], chr(array[at + 2])
        at += 4
        if signature == "g":
            end = at + 1 + array[at]
            found[code] = array[at + 1 : end].decode()
            at = end + 1
            continue
        at += -at % 4
        (number,) = struct.unpack_from("<I", array, at)
        at += 4
        if signature == "u":
            found[code] = number
        else:
            found[code] = array[at : at + number].decode()
            at += number + 1
    return found


class PrivateBus:
    """A dbus-daemon that everybody may own names on.

    Args:
        folder: for its socket and configuration; paths of sockets must be short.

    Attributes:
        env: tells programs that this is the system's bus.
    """

    def __init__(self, folder):
        self.path = folder / "bus"
        config = folder / "bus.conf"
        config.write_text(_CONFIG.format(path=self.path))
        command = ["dbus-daemon", "--nofork", f"--config-file={config}"]
        self.process = subprocess.Popen(
            [*command, "--print-address"],
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        )
        assert self.process.stdout.readline().startswith("unix:path=")
        self.env = {**os.environ, "DBUS_SYSTEM_BUS_ADDRESS": f"unix:path={self.path}"}

    def stop(self):
        """Ends the daemon; services end with it."""
        self.process.terminate()
        self.process.communicate(timeout=10.0)


class Service(threading.Thread):
    """Answers the calls of one name until the bus goes away.

    Args:
        bus: where.
        name: to own.
        answer: ``(member, body) -> (signature, body)`` of the reply, or None: refused.

    Attributes:
        calls: (member, body) in order.
    """

    def __init__(self, bus, name, answer):
        super().__init__(daemon=True)
        self.calls = []
        self._answer, self._serial = answer, 0
        self._socket = socket.socket(socket.AF_UNIX)
        self._socket.connect(str(bus.path))
        who = str(os.getuid()).encode().hex()
        self._socket.sendall(f"\0AUTH EXTERNAL {who}\r\n".encode())
        self._stream = self._socket.makefile("rb")
        assert self._stream.readline().startswith(b"OK ")
        self._socket.sendall(b"BEGIN\r\n")
        self._call("Hello")
        self._call("RequestName", "su", _aligned(_text(name), 4) + struct.pack("<I", 4))
        self.start()

    def _send(self, kind, fields, body=b""):
        self._serial += 1
        self._socket.sendall(_message(kind, self._serial, fields, body))

    def _call(self, member, signature="", body=b""):
        """Calls the bus itself and waits for its reply."""
        fields = [(1, "o", "/org/freedesktop/DBus"), (_MEMBER, "s", member)]
        fields += [(2, "s", "org.freedesktop.DBus")]
        fields += [(_DESTINATION, "s", "org.freedesktop.DBus")]
        self._send(CALL, [*fields, *([(8, "g", signature)] if body else [])], body)
        while self._read()[0] != REPLY:
            pass

    def _read(self):
        head = self._stream.read(16)
        if len(head) < 16:
            raise EOFError
        kind, body, serial, length = struct.unpack("<xBxxIII", head)
        array = self._stream.read(length + -length % 8)[:length]
        return kind, serial, _fields(array), self._stream.read(body)

    def run(self):
        try:
            while True:
                kind, serial, fields, body = self._read()
                if kind == CALL:
                    self._serve(serial, fields, body)
        except (EOFError, OSError):
            self._socket.close()

    def _serve(self, serial, fields, body):
        member = fields[_MEMBER]
        self.calls.append((member, body))
        told = [(_REPLY_SERIAL, "u", serial), (_DESTINATION, "s", fields[_SENDER])]
        answer = self._answer(member, body)
        if answer is None:
            refused = "org.freedesktop.DBus.Error.AccessDenied"
            self._send(ERROR, [*told, (_ERROR_NAME, "s", refused)])
            return
        signature, reply = answer
        self._send(REPLY, [*told, *([(8, "g", signature)] if reply else [])], reply)


def _without_rights():
    """No SCHED_FIFO for what is started next, not even for root."""
    ctypes.CDLL(None).prctl(_PR_CAPBSET_DROP, _CAP_SYS_NICE, 0, 0, 0)
    resource.setrlimit(resource.RLIMIT_RTPRIO, (0, 0))


def _run(code, env):
    done = subprocess.run(
        [sys.executable, "-c", code],
        env=env,
        preexec_fn=_without_rights,
        capture_output=True,
        text=True,
        check=True,
    )
    return json.loads(done.stdout.splitlines()[-1])


def _may_grant():
    """False for ordinary users, and for root without its powers (containers)."""
    try:
        os.sched_setscheduler(0, os.SCHED_RR, os.sched_param(1))
    except PermissionError:
        return False
    os.sched_setscheduler(0, os.SCHED_OTHER, os.sched_param(0))
    return True


def _grant(member, body):
    """What RTKit does, as far as this test may."""
    _, thread, priority = struct.unpack_from("<QQI", body)
    if _may_grant():
        policy = os.SCHED_RR | os.SCHED_RESET_ON_FORK
        os.sched_setscheduler(thread, policy, os.sched_param(priority))
    return "", b""


@pytest.fixture
def bus():
    for name in ("dbus-daemon", "dbus-send"):
        if not shutil.which(name):
            pytest.skip(f"{name} is not installed (apt install dbus)")
    with tempfile.TemporaryDirectory() as folder:
        made = PrivateBus(Path(folder))
        yield made
        made.stop()


def test_rtkit_is_asked_for_this_thread_where_fifo_is_refused(bus):
    rtkit = Service(bus, NAME, _grant)
    found = _run(_ASK, bus.env)
    ((member, body),) = rtkit.calls
    assert member == "MakeThreadRealtimeWithPID"
    assert list(struct.unpack("<QQI", body)) == [*found["me"], RTKIT_PRIORITY]
    assert (found["scheduler"], found["priority"]) == (RTKIT, RTKIT_PRIORITY)
    assert found["reason"].startswith("SCHED_FIFO: ")
    assert found["policy"] == (os.SCHED_RR if _may_grant() else os.SCHED_OTHER)


def test_a_refusal_by_rtkit_leaves_an_ordinary_thread_and_its_reason(bus):
    Service(bus, NAME, lambda member, body: None)
    found = _run(_ASK, bus.env)
    assert (found["scheduler"], found["policy"]) == (ORDINARY, os.SCHED_OTHER)
    assert "RTKit: " in found["reason"]
    assert "AccessDenied" in found["reason"]


def test_the_real_rtkit_makes_the_thread_real_time(bus, until):
    places = ("/usr/libexec/rtkit-daemon", "/usr/lib/rtkit/rtkit-daemon")
    daemon = next((place for place in places if os.access(place, os.X_OK)), None)
    if daemon is None or os.geteuid() != 0 or not _may_grant():
        pytest.skip("no rtkit-daemon (apt install rtkit), or no right to grant rights")
    agreed = ("(bba{ss})", struct.pack("<III4x", 1, 0, 0))
    polkit = Service(bus, "org.freedesktop.PolicyKit1", lambda *call: agreed)
    # Its user, chroot and watchdog are for systems that it must protect.
    words = ["--no-drop-privileges", "--no-chroot", "--no-canary"]
    process = subprocess.Popen([daemon, *words, "--no-limit-resources"], env=bus.env)
    try:
        ask = ["dbus-send", "--system", "--print-reply", "--dest=org.freedesktop.DBus"]
        ask += ["/org/freedesktop/DBus", "org.freedesktop.DBus.NameHasOwner"]

        def ready():
            told = subprocess.run([*ask, f"string:{NAME}"], env=bus.env,
                                  capture_output=True)  # fmt: skip
            return b"true" in told.stdout

        until(ready, 10.0, "rtkit-daemon's start")
        found = _run(_ASK, bus.env)
    finally:
        process.terminate()
        process.wait(10.0)
    assert [member for member, _ in polkit.calls] == ["CheckAuthorization"]
    assert (found["scheduler"], found["policy"]) == (RTKIT, os.SCHED_RR)


def test_a_live_session_runs_its_worker_by_rtkit(bus, jack):
    rtkit = Service(bus, NAME, _grant)
    jack.probe()
    bus_of = "DBUS_SYSTEM_BUS_ADDRESS"
    found = _run(_LIVE, {**jack.env, bus_of: bus.env[bus_of]})
    assert (found["scheduler"], found["priority"]) == (RTKIT, RTKIT_PRIORITY)
    # One of the audio process's own threads, and only one.
    (thread,) = [struct.unpack_from("<QQ", body)[1] for _, body in rtkit.calls]
    assert thread in found["me"][1]
