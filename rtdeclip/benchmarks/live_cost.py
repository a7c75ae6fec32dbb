"""``rtdeclip bench live-cost``: CPU and memory of a running ``rtdeclip live``.

The command itself runs in a pseudo-terminal of 80 columns on JACK's dummy device, in
stereo, so that its view is drawn as a user has it. Linux only: /proc tells.
"""

import contextlib
import os
import pty
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from rtdeclip.benchmarks.jack_server import JackServer, jack_server
from rtdeclip.errors import DeviceError
from rtdeclip.live.telemetry import TelemetryReader

_START_S = 180.0
_SETTLE_S = 3.0
_TICK = os.sysconf("SC_CLK_TCK")
_PAGE_KIB = os.sysconf("SC_PAGE_SIZE") // 1024


@dataclass(frozen=True, slots=True)
class Cost:
    """What a session cost, measured over ``seconds`` after it has settled.

    Args:
        processor: what ran.
        block: samples per callback.
        n_channels: of the sound.
        seconds: measured.
        audio_share: CPU time of the audio process per second, of one core.
        view_share: the same of the command and its terminal view.
        wake_p50_us: callback to worker.
        wake_p99_us: the same.
        scheduler: of the worker: 0 ordinary, 1 SCHED_FIFO, 2 RTKit.
        late_hops: played dry.
        audio_grown_kib: memory of the audio process, end against begin.
        view_grown_kib: the same of the command.
    """

    processor: str
    block: int
    n_channels: int
    seconds: float
    audio_share: float
    view_share: float
    wake_p50_us: float
    wake_p99_us: float
    scheduler: int
    late_hops: int
    audio_grown_kib: int
    view_grown_kib: int

    def as_dict(self) -> dict[str, Any]:
        """As plain data."""
        return asdict(self)


def measure(seconds: float, processor: str = "bypass", block: int = 256) -> Cost:
    """One session's cost.

    Raises:
        MissingExtraError: no jackd.
        DeviceError: no sound came.
    """
    with (
        jack_server(48000, block) as server,
        _command(server, processor, block) as (view, reader),
    ):
        time.sleep(_SETTLE_S)
        begin = time.monotonic()
        first = (_cpu_s(view), reader.status().cpu_s)
        memory = (_kib(view), _kib(reader.pid))
        time.sleep(seconds)
        status, lasted = reader.status(), time.monotonic() - begin
        return Cost(
            processor,
            block,
            reader.n_channels,
            lasted,
            (status.cpu_s - first[1]) / lasted,
            (_cpu_s(view) - first[0]) / lasted,
            status.wake_p50_us,
            status.wake_p99_us,
            status.scheduler,
            status.late_hops,
            _kib(reader.pid) - memory[1],
            _kib(view) - memory[0],
        )


@contextmanager
def _command(
    server: JackServer, processor: str, block: int
) -> Iterator[tuple[int, TelemetryReader]]:
    """``rtdeclip live`` in a terminal of its own: its process id and its telemetry."""
    words = ["live", "--in", "system", "--out", "system", "--monitor-speakers"]
    words += ["--processor", processor, "--block", str(block)]
    code = "from rtdeclip.cli.main import main; main()"
    ours, theirs = pty.openpty()
    with tempfile.TemporaryDirectory(dir=_memory()) as runtime:
        env = {**server.env, "XDG_RUNTIME_DIR": runtime, "TERM": "xterm-256color"}
        process = subprocess.Popen(
            [sys.executable, "-c", code, *words],
            env={**env, "COLUMNS": "80", "LINES": "24"},
            stdin=theirs,
            stdout=theirs,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
        os.close(theirs)
        threading.Thread(target=_drain, args=(ours,), daemon=True).start()
        try:
            yield process.pid, _telemetry(Path(runtime), process)
        finally:
            process.terminate()
            process.wait(30)
            os.close(ours)


def _memory() -> str | None:
    return "/dev/shm" if os.access("/dev/shm", os.W_OK) else None


def _drain(handle: int) -> None:
    with contextlib.suppress(OSError):  # closed: the command has ended
        while os.read(handle, 1 << 16):
            pass


def _telemetry(runtime: Path, process: "subprocess.Popen[bytes]") -> TelemetryReader:
    deadline = time.monotonic() + _START_S
    while time.monotonic() < deadline and process.poll() is None:
        for path in runtime.glob("rtdeclip/*.telemetry"):
            reader = TelemetryReader(path)
            if reader.status().gain > 0.0:
                return reader
        time.sleep(0.1)
    raise DeviceError("No sound came. See what is missing: rtdeclip doctor")


def _cpu_s(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / _TICK


def _kib(pid: int) -> int:
    return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * _PAGE_KIB
