"""A JACK server of one's own, with a dummy sound card, for benchmarks and tests."""

import os
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from rtdeclip.errors import DeviceError, MissingExtraError

_READY_S = 10.0
_STOP_S = 3.0


def why_not() -> str:
    """Why no server can be started here; empty if one can."""
    missing = [name for name in ("jackd", "jack_lsp") if not shutil.which(name)]
    return f"{missing[0]} is not installed (sudo apt install jackd2)" if missing else ""


class JackServer:
    """A running jackd with the dummy driver, under a name of its own.

    Args:
        sample_rate: Hz.
        period: samples per cycle.
        name: of the server; None makes one up from the process id.

    Attributes:
        env: environment for its clients.
        realtime: True when its threads were allowed SCHED_FIFO.

    Raises:
        MissingExtraError: jackd is not installed.
        DeviceError: it did not come up in time.
    """

    _count = 0

    def __init__(
        self, sample_rate: int = 48000, period: int = 256, name: str | None = None
    ) -> None:
        if reason := why_not():
            raise MissingExtraError(
                f"A JACK server cannot be started: {reason.split(' (')[0]}. "
                "Type: sudo apt install jackd2"
            )
        JackServer._count += 1
        self.name = name or f"rtd_{os.getpid()}_{JackServer._count}"
        self._sample_rate, self._period = sample_rate, period
        self.env = {
            **os.environ,
            "JACK_DEFAULT_SERVER": self.name,
            "JACK_NO_START_SERVER": "1",
            "JACK_NO_AUDIO_RESERVATION": "1",
            "ALSA_CONFIG_PATH": "/usr/share/alsa/alsa.conf",
        }
        self.env.pop("PULSE_SERVER", None)
        try:
            self.start()
        except DeviceError:
            if not _forget_dead_servers():
                raise
            self.start()

    def start(self) -> None:
        """Starts it (again), real-time if it is allowed."""
        self.realtime = _may_be_realtime()
        rights = ["-R", "-P", "70"] if self.realtime else ["--no-realtime"]
        command = ["jackd", "--name", self.name, *rights, "-d", "dummy"]
        command += ["-r", str(self._sample_rate), "-p", str(self._period)]
        with tempfile.TemporaryFile() as log:
            self.process = subprocess.Popen(
                [*command, "-C", "2", "-P", "2"],
                env=self.env,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
            self._wait(log)

    def _wait(self, log: IO[bytes]) -> None:
        deadline = time.monotonic() + _READY_S
        while time.monotonic() < deadline:
            look = subprocess.run(["jack_lsp"], env=self.env, capture_output=True)
            if look.returncode == 0 and b"system:" in look.stdout:
                return
            if self.process.poll() is not None:
                break
            time.sleep(0.03)
        self.stop()
        log.seek(0)
        said = log.read().decode(errors="replace").strip().splitlines()[-1:]
        raise DeviceError(
            f"jackd did not come up within {_READY_S:g} s ({' '.join(said)}). "
            "Try again, or see: rtdeclip doctor"
        )

    def kill(self) -> None:
        """Ends it as a crash would, and clears what it leaves in /dev/shm."""
        self.process.kill()
        self.process.wait()
        self._sweep()

    def stop(self) -> None:
        """Ends it, gently first."""
        self.process.terminate()
        try:
            self.process.wait(_STOP_S)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        self._sweep()

    def _sweep(self) -> None:
        for path in Path("/dev/shm").glob(f"jack*{self.name}*"):
            try:
                path.unlink() if not path.is_dir() else shutil.rmtree(path)
            except OSError:
                continue  # another process of this server is faster


def _may_be_realtime() -> bool:
    if not hasattr(os, "sched_setscheduler"):
        return False
    test = "import os; os.sched_setscheduler(0, os.SCHED_FIFO, os.sched_param(70))"
    done = subprocess.run(["python3", "-c", test], capture_output=True)
    return done.returncode == 0


@contextmanager
def jack_server(sample_rate: int = 48000, period: int = 256) -> Iterator[JackServer]:
    """A server for the length of a ``with`` block."""
    server = JackServer(sample_rate, period)
    try:
        yield server
    finally:
        server.stop()


def _forget_dead_servers() -> bool:
    """Clears JACK's list of servers if none runs; False if there is nothing to clear.

    The list has eight places, and a server that was killed keeps its own for ever.
    """
    registry = Path("/dev/shm/jack-shm-registry")
    for comm in Path("/proc").glob("[0-9]*/comm"):
        try:
            if comm.read_text().strip() in ("jackd", "jackdbus"):
                return False
        except OSError:  # that process has just ended
            continue
    try:
        registry.unlink()
    except OSError:
        return False
    return True
